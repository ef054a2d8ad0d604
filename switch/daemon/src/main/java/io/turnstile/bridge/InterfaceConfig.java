package io.turnstile.bridge;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * What the database wants of one interface.
 *
 * @param type as written; empty means {@code system}
 * @param isLocal whether it is the bridge's own port: an interface of the bridge's name
 * @param ofportRequest {@code ofport_request}, if it can be a port's number
 * @param ofport {@code ofport} as the row has it, from this daemon or the one before: kept where it can be
 * @param mac {@code Interface:mac} as written
 * @param mtuRequest {@code mtu_request}
 * @param offloadPriority {@code other_config:hw-offload-priority}
 */
record InterfaceConfig(
        UUID row,
        String name,
        String type,
        boolean isLocal,
        Map<String, String> options,
        OptionalInt ofportRequest,
        OptionalInt ofport,
        Optional<String> mac,
        OptionalInt mtuRequest,
        Optional<String> offloadPriority) {

    /** What begins like this in {@code options} is meant for offload providers. */
    static final String OFFLOAD_OPTION = "offload-";

    static final String OFFLOAD_ATTACH = OFFLOAD_OPTION + "attach";

    /** Whether packets that come in or leave by it may be carried: {@code options:offload-attach}. */
    boolean mayBeCarried() {
        return !"none".equals(options.get(OFFLOAD_ATTACH));
    }

    boolean isPatch() {
        return type.equals("patch");
    }

    /** The same with other options. */
    InterfaceConfig withOptions(Map<String, String> other) {
        return new InterfaceConfig(
                row, name, type, isLocal, other, ofportRequest, ofport, mac, mtuRequest, offloadPriority);
    }

    /** Whether a device that was opened for {@code other} can go on serving this. */
    boolean hasDeviceOf(InterfaceConfig other) {
        return name.equals(other.name)
                && type.equals(other.type)
                && isLocal == other.isLocal
                && options.equals(other.options);
    }
}
