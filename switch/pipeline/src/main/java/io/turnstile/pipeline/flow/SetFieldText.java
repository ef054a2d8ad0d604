package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.MatchField.Masked;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The text of actions that write a value into a field: set_field, load, and OpenFlow 1.0's mod_… of one field each. */
final class SetFieldText {
    private static final int ECN_BITS = 3;

    private SetFieldText() {}

    // ---- reading ----

    /** {@code value[/mask]->field}. */
    static OfAction.SetField readSetField(String value, PortNames ports) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->'");
        }
        return read(value.substring(arrow + 2).trim(), value.substring(0, arrow).trim(), ports);
    }

    static OfAction.SetField read(String name, String value, PortNames ports) throws FlowTextException {
        MatchField field = MatchField.named(name);
        if (field == null) {
            throw new FlowTextException(name + " is not a valid OXM field name");
        }
        if (!field.writable()) {
            throw new FlowTextException(name + " is read-only");
        }
        if (field.access() == MatchField.Access.NOT_SET_FIELD) {
            throw new FlowTextException(name + " cannot be set with set_field");
        }
        Masked masked = ValueText.parse(field, value, ports);
        int shift = field.offsetBits();
        return new OfAction.SetField(
                field.field(),
                masked.high() & masked.maskHigh(),
                (masked.low() & masked.maskLow()) << shift,
                masked.maskHigh(),
                masked.maskLow() << shift);
    }

    static OfAction.SetField readTos(String value) throws FlowTextException {
        long tos = Numbers.parse("TOS", value, 0xff);
        if ((tos & ECN_BITS) != 0) {
            throw new FlowTextException(value + ": not a valid TOS");
        }
        return new OfAction.SetField(Field.NW_TOS, 0, tos, 0, FieldValues.DSCP_MASK);
    }

    static OfAction.SetField readTunnel(String value) throws FlowTextException {
        return new OfAction.SetField(Field.TUN_ID, 0, Numbers.parse64(value), 0, -1L);
    }

    /** {@code value->NXM_NX_REG0[0..15]}. */
    static OfAction.SetField readLoad(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->'");
        }
        SubFieldText.Parsed destination =
                SubFieldActionText.writable(value.substring(arrow + 2).trim());
        SubFieldText.Placed placed = destination.place(Numbers.big(value.substring(0, arrow)), value);
        Field field = destination.field().field();
        if (field == Field.IN_PORT && destination.widthBits() == 16) {
            long port = Integer.toUnsignedLong(OfAction.Ports.widened((int) placed.low()));
            return new OfAction.SetField(field, 0, port, 0, 0xffff_ffffL, true);
        }
        return new OfAction.SetField(field, placed.high(), placed.low(), placed.maskHigh(), placed.maskLow(), true);
    }

    // ---- printing ----

    static String print(OfAction.SetField a, ActionFormat format) {
        if (a.spelledAsLoad()) {
            return LoadSegments.of(a).stream()
                    .map(segment -> load(segment, format))
                    .collect(Collectors.joining(","));
        }
        String mod = a.spelling() == OfAction.SetField.Spelling.MOD ? mod(a) : null;
        if (mod != null) {
            return mod;
        }
        MatchField field = fieldOf(a, format.context());
        int shift = field.offsetBits();
        Masked masked = new Masked(a.valueHigh(), a.valueLow() >>> shift, a.maskHigh(), a.maskLow() >>> shift);
        boolean whole = (masked.maskLow() | ~bits(field)) == -1L
                && a.maskHigh() == field.field().highMask();
        Masked shown = whole ? new Masked(masked.high(), masked.low(), -1L, field.lowMask()) : masked;
        return "set_field:" + ValueText.format(field, shown) + "->" + field.name();
    }

    /** As OpenFlow 1.0's own action is called; null for what has no name of its own. */
    private static @Nullable String mod(OfAction.SetField a) {
        long value = a.valueLow();
        return switch (a.field()) {
            case ETH_SRC -> "mod_dl_src:" + ValueText.format(MatchField.known("eth_src"), masked(a));
            case ETH_DST -> "mod_dl_dst:" + ValueText.format(MatchField.known("eth_dst"), masked(a));
            case NW_SRC -> "mod_nw_src:" + ValueText.format(MatchField.known("ip_src"), masked(a));
            case NW_DST -> "mod_nw_dst:" + ValueText.format(MatchField.known("ip_dst"), masked(a));
            case NW_TOS -> (a.maskLow() == FieldValues.DSCP_MASK ? "mod_nw_tos:" : "mod_nw_ecn:") + value;
            case NW_TTL -> "mod_nw_ttl:" + value;
            case TP_SRC -> "mod_tp_src:" + value;
            case TP_DST -> "mod_tp_dst:" + value;
            default -> null;
        };
    }

    private static Masked masked(OfAction.SetField a) {
        return new Masked(0, a.valueLow(), 0, a.maskLow());
    }

    private static long bits(MatchField field) {
        return field.isWide() || field.widthBits() >= 64 ? -1L : (1L << field.widthBits()) - 1;
    }

    private static MatchField fieldOf(OfAction.SetField a, Match context) {
        if (a.field() == Field.NW_TOS && a.maskLow() == FieldValues.DSCP_MASK) {
            return MatchField.known("ip_dscp");
        }
        if (a.field().isWide()) {
            return SubFieldText.writtenFieldOf(a.field(), 0, 128, context);
        }
        if (a.field() == Field.IN_PORT) {
            return MatchField.known("in_port");
        }
        if (a.field() == Field.VLAN_TCI && a.maskLow() == (FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK)) {
            return MatchField.known("vlan_vid");
        }
        int first = Long.numberOfTrailingZeros(a.maskLow());
        int last = 63 - Long.numberOfLeadingZeros(a.maskLow());
        return a.maskLow() == 0
                ? SubFieldText.writtenFieldOf(a.field(), 0, 1, context)
                : SubFieldText.writtenFieldOf(a.field(), first, last - first + 1, context);
    }

    /** The port by which the packet came in is 32 bits wide in the key and 16 in NXM. */
    private static String load(LoadSegments.Segment segment, ActionFormat format) {
        String target =
                segment.target().field() == Field.IN_PORT ? "NXM_OF_IN_PORT[]" : format.subField(segment.target());
        return "load:" + Numbers.hex(segment.value()) + "->" + target;
    }
}
