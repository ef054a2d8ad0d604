package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import java.util.ArrayList;
import java.util.List;

/**
 * An MPLS label stack as keys and datapath flows have it: up to three entries of 32 bits, the outermost first (RFC 3032
 * §2.1: label 20 bits, traffic class 3, bottom of stack 1, TTL 8).
 *
 * <p>Threads: stateless.
 */
public final class LabelStack {
    /** How many entries a key has room for. */
    public static final int ENTRIES = 3;

    public static final int ENTRY_BYTES = 4;
    public static final int LABEL_SHIFT = 12;
    public static final int CLASS_SHIFT = 9;
    public static final int BOTTOM = 1 << 8;
    private static final long LABEL_ALL = 0xf_ffff;
    private static final long CLASS_ALL = 7;
    private static final long TTL_ALL = 0xff;
    private static final List<Field> FIELDS = List.of(Field.MPLS_LSE, Field.MPLS_LSE1, Field.MPLS_LSE2);

    private LabelStack() {}

    /** The key's entries, the outermost first; not to be changed. */
    public static List<Field> fields() {
        return FIELDS;
    }

    public static boolean isBottom(long entry) {
        return (entry & BOTTOM) != 0;
    }

    public static long label(long entry) {
        return entry >>> LABEL_SHIFT & LABEL_ALL;
    }

    public static long trafficClass(long entry) {
        return entry >>> CLASS_SHIFT & CLASS_ALL;
    }

    public static long ttl(long entry) {
        return entry & TTL_ALL;
    }

    /** How many entries there are; of a stack that has no bottom within the key, those that are not zero. */
    public static int length(long[] key) {
        if (!EtherTypes.isMpls((int) Field.ETH_TYPE.get(key))) {
            return 0;
        }
        int length = 0;
        for (int i = 0; i < ENTRIES; i++) {
            long entry = FIELDS.get(i).get(key);
            if (isBottom(entry)) {
                return i + 1;
            }
            length += entry == 0 ? 0 : 1;
        }
        return length;
    }

    // ---- text ----

    /** {@code label=…,tc=…,ttl=…,bos=…}. */
    static String entryText(long entry) {
        return "label=" + label(entry) + ",tc=" + trafficClass(entry) + ",ttl=" + ttl(entry) + ",bos="
                + (isBottom(entry) ? 1 : 0);
    }

    /** All entries with their masks, once any bit of one is looked at or everything is asked for. */
    static String matchText(long[] key, long[] mask, boolean all) {
        List<String> entries = new ArrayList<>();
        boolean exact = true;
        boolean looked = all;
        List<Field> present = FIELDS.subList(0, length(key));
        for (Field field : present) {
            exact &= field.get(mask) == field.lowMask();
            looked |= field.get(mask) != 0;
        }
        if (!looked) {
            return "";
        }
        for (Field field : present) {
            entries.add(exact ? entryText(field.get(key)) : maskedText(field.get(key), field.get(mask)));
        }
        return "mpls(" + String.join(",", entries) + ")";
    }

    private static String maskedText(long entry, long mask) {
        return "label=%d/0x%x,tc=%d/%x,ttl=%d/0x%x,bos=%d/%x"
                .formatted(
                        label(entry),
                        label(mask),
                        trafficClass(entry),
                        trafficClass(mask),
                        ttl(entry),
                        ttl(mask),
                        isBottom(entry) ? 1 : 0,
                        isBottom(mask) ? 1 : 0);
    }

    /**
     * Reads what stands inside the brackets: each {@code label=} begins another entry.
     *
     * @throws NumberFormatException for what is none, for too many entries, and for a bottom that is not the last
     */
    static void parse(List<String> pairs, long[] key, long[] mask) {
        int entries = 0;
        for (String pair : pairs) {
            String name = pair.substring(0, pair.indexOf('='));
            String[] value = pair.substring(pair.indexOf('=') + 1).split("/", 2);
            if (name.equals("label") || entries == 0) {
                if (entries == ENTRIES
                        || entries > 0 && isBottom(FIELDS.get(entries - 1).get(key))) {
                    throw new NumberFormatException(pair);
                }
                entries++;
            }
            Field field = FIELDS.get(entries - 1);
            switch (name) {
                case "label" -> put(field, value, LABEL_SHIFT, LABEL_ALL, key, mask);
                case "tc" -> put(field, value, CLASS_SHIFT, CLASS_ALL, key, mask);
                case "ttl" -> put(field, value, 0, TTL_ALL, key, mask);
                case "bos" -> put(field, value, Integer.numberOfTrailingZeros(BOTTOM), 1, key, mask);
                default -> throw new NumberFormatException(pair);
            }
        }
    }

    private static void put(Field field, String[] value, int shift, long all, long[] key, long[] mask) {
        int bits = Long.bitCount(all);
        long number = FieldText.number(value[0].strip(), bits);
        long looked = value.length == 1 ? all : FieldText.number(value[1].strip(), bits);
        field.set(key, field.get(key) & ~(all << shift) | number << shift);
        field.set(mask, field.get(mask) | looked << shift);
    }
}
