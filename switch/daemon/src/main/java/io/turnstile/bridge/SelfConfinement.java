package io.turnstile.bridge;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The rule for names that come from the database and end in the file system: whoever may write the database, perhaps
 * from afar, may not make the switch use any other socket or file than those in its run directory. The words are
 * ovs-vswitchd's; unlike there, {@code ..} does not lead out either.
 *
 * <p>Threads: any.
 */
public record SelfConfinement(Path runDirectory) {
    private static final String ACTIVE = "unix:";
    private static final String PASSIVE = "punix:";

    /** Whether a bridge may have that name, which its sockets bear. */
    static boolean isBridgeName(String name) {
        return !name.isEmpty() && name.indexOf('/') < 0 && name.indexOf('\\') < 0 && name.indexOf('\0') < 0;
    }

    /** Why a controller of the bridge is not used, to be logged; null if it may be. */
    @Nullable
    String objectionToController(String bridge, String target) {
        String always = "\"unix:%s/%s.mgmt\" (which is always available without special configuration)."
                .formatted(runDirectory, bridge);
        if (target.startsWith(ACTIVE)) {
            return isName(target, ACTIVE) || isInside(target, ACTIVE, "")
                    ? null
                    : ("Not connecting to socket controller \"%s\" due to possibility for remote exploit.  Instead, "
                                            + "specify socket in permitted directory \"unix:%s/\" or connect to ")
                                    .formatted(target, runDirectory)
                            + always;
        }
        if (target.startsWith(PASSIVE)) {
            return isDirectlyInside(target, bridge + ".")
                    ? null
                    : ("Not adding Unix domain socket controller \"%s\" due to possibility of overwriting local files."
                                            + " Instead, specify path in permitted format \"punix:%s/%s.*\" or connect to ")
                                    .formatted(target, runDirectory, bridge)
                            + always;
        }
        return null;
    }

    /** The target, a socket's name without folder being meant in the run directory. */
    String resolved(String target) {
        return target.startsWith(ACTIVE) && isName(target, ACTIVE)
                ? ACTIVE + runDirectory.resolve(target.substring(ACTIVE.length()))
                : target;
    }

    /** Why the database is not served at a Manager's target, to be logged; null if it may be. */
    public @Nullable String objectionToManager(String target) {
        if (!target.startsWith(PASSIVE) || isDirectlyInside(target, "")) {
            return null;
        }
        return ("Not adding Unix domain socket manager \"%s\" due to possibility of overwriting local files. "
                        + "Instead, specify path in permitted format \"punix:%s/*\".")
                .formatted(target, runDirectory);
    }

    private static boolean isName(String target, String method) {
        return target.length() > method.length() && target.indexOf('/') < 0 && target.indexOf('\0') < 0;
    }

    private boolean isDirectlyInside(String target, String namePrefix) {
        return isInside(target, PASSIVE, namePrefix)
                && Path.of(target.substring(PASSIVE.length())).getNameCount() == runDirectory.getNameCount() + 1;
    }

    private boolean isInside(String target, String method, String namePrefix) {
        Path path;
        try {
            path = Path.of(target.substring(method.length()));
        } catch (InvalidPathException e) {
            return false;
        }
        Path normal = path.normalize();
        return normal.equals(path)
                && path.startsWith(runDirectory)
                && path.getNameCount() > runDirectory.getNameCount()
                && path.getName(runDirectory.getNameCount()).toString().startsWith(namePrefix);
    }
}
