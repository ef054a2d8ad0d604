package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.KeyLayer;
import java.util.Arrays;

/** The fields that {@code ct()} sets; flows see them only after the recirculation. */
final class ConntrackFields {
    static final Field[] ALL = Arrays.stream(Field.values())
            .filter(field -> field.layer() == KeyLayer.CONNTRACK)
            .toArray(Field[]::new);

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
