package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import java.util.List;

/** Which fields of a packet a packet-in tells besides its bytes (ovs-fields(7)): those that are not zero, and always in_port. */
final class PacketMetadata {
    private static final List<Field> CONNECTION = List.of(Field.CT_STATE, Field.CT_ZONE, Field.CT_MARK, Field.CT_LABEL,
            Field.CT_NW_SRC, Field.CT_NW_DST, Field.CT_TP_SRC, Field.CT_TP_DST, Field.CT_NW_PROTO, Field.CT_IPV6_SRC,
            Field.CT_IPV6_DST);
    private static final List<Field> PIPELINE = List.of(Field.METADATA, Field.REG0, Field.REG1, Field.REG2, Field.REG3, Field.REG4,
            Field.REG5, Field.REG6, Field.REG7, Field.REG8, Field.REG9, Field.REG10, Field.REG11, Field.REG12, Field.REG13,
            Field.REG14, Field.REG15, Field.PKT_MARK);

    private PacketMetadata() {
    }

    static Match of(long[] key, boolean conntracked) {
        Match.Builder metadata = Match.builder().exact(Field.IN_PORT, Field.IN_PORT.get(key));
        for (Field field : PIPELINE) {
            addIfSet(metadata, field, key);
        }
        if (conntracked) {
            for (Field field : CONNECTION) {
                addIfSet(metadata, field, key);
            }
        }
        return metadata.build();
    }

    private static void addIfSet(Match.Builder metadata, Field field, long[] key) {
        if (field.get(key) != 0 || field.getHigh(key) != 0) {
            metadata.exact(field, field.getHigh(key), field.get(key));
        }
    }
}
