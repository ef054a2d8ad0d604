package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Which packets have a field of the key, and whether actions may write it, as follows from the match fields that are
 * called by it. Where some of those can be written, their prerequisites count, for an action cannot tell the others
 * from them.
 */
public final class Prerequisites {
    private static final Map<Field, Set<Prerequisite>> BY_FIELD = new EnumMap<>(Field.class);

    static {
        for (Field field : Field.values()) {
            List<MatchField> names = MatchField.of(field);
            boolean written = names.stream().anyMatch(MatchField::writable);
            Set<Prerequisite> needs = EnumSet.noneOf(Prerequisite.class);
            names.stream()
                    .filter(name -> name.writable() || !written)
                    .map(MatchField::prerequisite)
                    .forEach(needs::add);
            BY_FIELD.put(field, needs.contains(Prerequisite.NONE) ? Set.of() : needs);
        }
    }

    private Prerequisites() {}

    private static Set<Prerequisite> of(Field field) {
        return Objects.requireNonNull(BY_FIELD.get(field), "every field of the key has an entry");
    }

    /**
     * Whether a packet with this key has the field.
     *
     * @param lookedAt gets the bits that the answer rests on
     */
    public static boolean areMet(Field field, long[] key, long[] lookedAt) {
        Set<Prerequisite> needs = of(field);
        for (Prerequisite prerequisite : needs) {
            if (prerequisite.isMet(key, lookedAt)) {
                return true;
            }
        }
        return needs.isEmpty();
    }

    /** Whether the field tells of the packet's connection, and is there only if it has one. */
    public static boolean areOfConnection(Field field) {
        return of(field).contains(Prerequisite.CT);
    }

    /** Whether an action may write the field at all, given its prerequisites are met. */
    public static boolean isWritable(Field field) {
        return MatchField.of(field).stream().anyMatch(name -> name.access().isOfFlows());
    }

    public static boolean isIp(int etherType) {
        return Prerequisite.IP.allows(etherType);
    }
}
