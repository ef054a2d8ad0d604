package io.turnstile.pipeline;

import io.turnstile.datapath.Field;

/** The fields that {@code ct()} sets; flows see them only after the recirculation. */
final class ConntrackFields {
    static final Field[] ALL = {
        Field.CT_STATE,
        Field.CT_ZONE,
        Field.CT_MARK,
        Field.CT_LABEL,
        Field.CT_NW_SRC,
        Field.CT_NW_DST,
        Field.CT_NW_PROTO,
        Field.CT_TP_SRC,
        Field.CT_TP_DST,
        Field.CT_IPV6_SRC,
        Field.CT_IPV6_DST
    };

    private ConntrackFields() {}

    static void clear(long[] key) {
        for (Field field : ALL) {
            field.set(key, 0, 0);
        }
    }

    static void copy(long[] from, long[] to) {
        for (Field field : ALL) {
            field.set(to, field.getHigh(from), field.get(from));
        }
    }
}
