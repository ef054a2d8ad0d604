package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One field that OpenFlow can match on or act on: how it is called, where it stands in the flow key, how it is written
 * and how it travels. Several may share a {@link Field} of the key: {@code tcp_src} and {@code icmp_type} do,
 * {@code vlan_vid} is a part of {@code vlan_tci}. All there are stand in {@link FieldTable}, and only there.
 *
 * @param names the first is the one printed in {@code set_field}
 * @param wireBytes size of the value in NXM and OXM
 * @param maskable any mask will do; else all or nothing
 */
public record MatchField(
        List<String> names,
        Field field,
        FieldBits bits,
        int wireBytes,
        Style style,
        FieldCode nxmCode,
        FieldCode oxmCode,
        boolean maskable,
        Access access,
        Prerequisite prerequisite,
        Shown shown,
        Sent sent) {

    /** How a value is written; where a flow shows it otherwise than an action, the constant says so. */
    public enum Style {
        /** In a flow, a masked one in hexadecimal. */
        DECIMAL,
        /** In a flow, a masked one in hexadecimal with all its digits. */
        PADDED,
        /** In a flow never with a mask. */
        UNMASKED,
        HEX,
        /** The same, zero with its prefix, too. */
        HEX_NUMBER,
        /** {@code (namespace,type)}. */
        PACKET_TYPE,
        /** In a flow four digits. */
        ETHER_TYPE,
        /** In a flow five digits. */
        FLOW_LABEL,
        MAC,
        ADDRESS4,
        ADDRESS6,
        PORT,
        FRAGMENT,
        TCP_FLAGS,
        CT_STATE,
        /** In a flow as dl_vlan and dl_vlan_pcp, if these say it all. */
        VLAN_TCI
    }

    /** What may change the field. */
    public enum Access {
        READ_ONLY,
        /** set_field, load, move and pop. */
        WRITABLE,
        /** The same, but where bits of it are meant they are called by the field around it. */
        WHOLE,
        /** The same but for set_field. */
        NOT_SET_FIELD,
        /** The same, but only inside {@code ct(exec(…))}. */
        IN_CT;

        /** True if a flow's own actions may write it. */
        public boolean isOfFlows() {
            return switch (this) {
                case WRITABLE, WHOLE, NOT_SET_FIELD -> true;
                case READ_ONLY, IN_CT -> false;
            };
        }
    }

    /**
     * Where in a flow's text it stands.
     *
     * @param rank ascending, the table's order among equals
     * @param name how it is called there; empty until it is known
     * @param onlyWith shown only if the match is on that field, too; null: always
     */
    record Shown(int rank, String name, @Nullable Field onlyWith) {
        static final int NEVER = 0;
        /** Fields up to here stand before the recirculation id of a packet. */
        static final int BEFORE_RECIRCULATION = 1;
        /** Fields up to here stand before the protocol's name. */
        static final int BEFORE_PROTOCOL = 10;

        Shown named(String field) {
            return name.isEmpty() ? new Shown(rank, field, onlyWith) : this;
        }
    }

    /**
     * Where in a match on the wire it stands.
     *
     * @param rank ascending, the table's order among equals
     */
    record Sent(int rank, boolean underNxm, boolean underOxm) {
        static final int NEVER = 0;
    }

    /** A value and mask in the field's own numbering (bit 0 is its lowest); the high halves are for 128-bit fields. */
    public record Masked(long high, long low, long maskHigh, long maskLow) {}

    /** In the order of ovs-fields(7). */
    public static final List<MatchField> ALL = FieldTable.rows();

    private static final Map<String, MatchField> BY_NAME = indexByName();
    private static final Map<Integer, MatchField> BY_CODE = indexByCode();
    private static final Map<Field, List<MatchField>> BY_FIELD = indexByField();
    private static final List<MatchField> AS_SHOWN = sorted(row -> row.shown.rank, Shown.NEVER);
    private static final List<MatchField> AS_SENT = sorted(row -> row.sent.rank, Sent.NEVER);

    /** By ovs-fields(7) name, alias, or NXM_/OXM_ name, in any case; null if there is none. */
    public static @Nullable MatchField named(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    /** By a name that stands in the code, and so is a field's. */
    public static MatchField known(String name) {
        return Objects.requireNonNull(named(name), name);
    }

    /** By {@code class << 7 | number}; null if this switch does not know it. */
    public static @Nullable MatchField coded(int classAndNumber) {
        return BY_CODE.get(classAndNumber);
    }

    /** By its number among Nicira's experimenter fields of the older vendor; null if this switch does not know it. */
    public static @Nullable MatchField ofOlderVendor(int number) {
        return BY_CODE.get(FieldCode.NICIRA_CLASS << FieldCode.NUMBER_BITS | number);
    }

    /** By the number of an experimenter field of ONF's under OpenFlow 1.3; null if this switch does not know it. */
    public static @Nullable MatchField experimenter13(int number) {
        return ALL.stream()
                .filter(row -> row.isExperimenter13() && row.oxmCode.fieldNumber() == number)
                .findFirst()
                .orElse(null);
    }

    /** Those that the key's field is called by, the commonest first; none for what OpenFlow does not see. */
    public static List<MatchField> of(Field field) {
        return Objects.requireNonNull(BY_FIELD.get(field), "the index has every field of the key");
    }

    /** Whether the key's field belongs to the packet's connection, and only {@code ct(exec(…))} may write it. */
    static boolean isWrittenInCt(Field field) {
        return of(field).stream().anyMatch(row -> row.access == Access.IN_CT);
    }

    /** How many bits the key's field has for those who know it by the widest of its names. */
    public static int widestOf(Field field) {
        return Math.max(
                field.widthBits(),
                of(field).stream()
                        .mapToInt(row -> row.bits.offset() + row.bits.width())
                        .max()
                        .orElse(0));
    }

    /** Those that a flow's text is made of, in its order. */
    static List<MatchField> asShown() {
        return AS_SHOWN;
    }

    /** Those that a match on the wire is made of, in its order; {@link #isSent} says which. */
    public static List<MatchField> asSent() {
        return AS_SENT;
    }

    /** The first of {@link #names}, by which OpenFlow calls it. */
    public String name() {
        return names.getFirst();
    }

    public int offsetBits() {
        return bits.offset();
    }

    public int widthBits() {
        return bits.width();
    }

    /** How many bits the wire says it has; the key has the lower {@link #widthBits} of them. */
    public int wireWidthBits() {
        return bits.said();
    }

    /** Lower 64 bits, in the key field's numbering, that an exact match covers. */
    public long matchMask() {
        return bits.matched();
    }

    /** Bits of the key's field that a match on this one sets besides its own. */
    public long impliedBits() {
        return bits.implied();
    }

    /** The lower 64 bits that a value may have. */
    public long valueBits() {
        return bits.values();
    }

    /** Bits that a value written has to have. */
    public long requiredBits() {
        return bits.required();
    }

    /** The bits that set_field can write, of those that the wire has room for. */
    public long settableBits() {
        return access == Access.WHOLE || bits.width() >= Long.SIZE ? lowMask() : lowMask() & (1L << bits.width()) - 1;
    }

    /** Class and number in NXM, -1 if it has none. */
    public int nxm() {
        return nxmCode.number();
    }

    /** Class and number in OpenFlow 1.2 and later, -1 if the NXM one is used. */
    public int oxm() {
        return oxmCode.number();
    }

    /** True if its number is one of Nicira's experimenter fields, under every version. */
    public boolean isNiciraExperimenter() {
        return codeClass() == FieldCode.EXPERIMENTER_CLASS || hasOlderVendor();
    }

    /** True if the vendor of {@link #isNiciraExperimenter} is the one that Nicira's messages have, too. */
    public boolean hasOlderVendor() {
        return codeClass() == FieldCode.NICIRA_CLASS;
    }

    private int codeClass() {
        return oxmCode.number() >>> FieldCode.NUMBER_BITS;
    }

    /** True if OpenFlow 1.3 has it as one of ONF's experimenter fields. */
    public boolean isExperimenter13() {
        return oxmCode.experimenter13();
    }

    /** True if it has a number at all. */
    public boolean isCoded() {
        return nxmCode.exists() || oxmCode.exists();
    }

    /** True if set_field, load, move or pop may change it. */
    public boolean writable() {
        return access != Access.READ_ONLY;
    }

    /** The name used inside {@code load}, {@code move} and subfields: NXM_OF_ETH_SRC. */
    public String codeName() {
        return nxmCode.exists() ? nxmCode.name() : oxmCode.exists() ? oxmCode.name() : name();
    }

    /** True for fields of 128 bits. */
    public boolean isWide() {
        return field.isWide();
    }

    /** All ones in the field's own numbering, as wide as what is matched. */
    public long lowMask() {
        return bits.matched() >>> bits.offset();
    }

    /** True if it is some bits of the key's field rather than all. */
    public boolean isPart() {
        return bits.matched() != field.lowMask();
    }

    /** True if these bits of the key field are exactly what this field's subfield covers or a part of it. */
    boolean contains(int keyOffsetBits, int count) {
        return keyOffsetBits >= bits.offset() && keyOffsetBits + count <= bits.offset() + bits.width();
    }

    /**
     * Whether a packet with that key has the field.
     *
     * @param lookedAt gets the bits that the answer rests on
     */
    public boolean isIn(long[] key, long[] lookedAt) {
        return prerequisite.isMet(key, lookedAt);
    }

    /** True if a match under such a version is made of it. */
    public boolean isSent(boolean oxm) {
        return oxm ? sent.underOxm : sent.underNxm;
    }

    /** True if the fields share bits of the key. */
    public boolean overlaps(MatchField other) {
        return field == other.field && (bits.matched() & other.bits.matched()) != 0;
    }

    /** The same field as set_field has it: any mask will do, and any value that is not too wide. */
    public MatchField asWritten() {
        return new MatchField(
                names,
                field,
                bits.withAnyValue(),
                wireBytes,
                style,
                nxmCode,
                oxmCode,
                true,
                access,
                prerequisite,
                shown,
                sent);
    }

    private static Map<String, MatchField> indexByName() {
        Map<String, MatchField> index = new HashMap<>();
        for (MatchField row : ALL) {
            row.names.forEach(name -> index.putIfAbsent(name, row));
            for (FieldCode code : List.of(row.nxmCode, row.oxmCode)) {
                if (code.exists()) {
                    index.putIfAbsent(code.name().toLowerCase(Locale.ROOT), row);
                }
            }
        }
        return Map.copyOf(index);
    }

    private static Map<Integer, MatchField> indexByCode() {
        Map<Integer, MatchField> index = new HashMap<>();
        for (MatchField row : ALL) {
            for (FieldCode code : List.of(row.nxmCode, row.oxmCode)) {
                if (code.exists() && index.put(code.number(), row) != null) {
                    throw new IllegalStateException("two fields are called " + code.number() + " on the wire");
                }
            }
        }
        return Map.copyOf(index);
    }

    private static List<MatchField> sorted(ToIntFunction<MatchField> rank, int never) {
        return ALL.stream()
                .filter(row -> rank.applyAsInt(row) != never)
                .sorted(Comparator.comparingInt(rank))
                .toList();
    }

    private static Map<Field, List<MatchField>> indexByField() {
        Map<Field, List<MatchField>> index = new EnumMap<>(Field.class);
        for (Field field : Field.values()) {
            List<MatchField> rows = new ArrayList<>(ALL);
            rows.removeIf(row -> row.field != field);
            index.put(field, List.copyOf(rows));
        }
        return index;
    }
}
