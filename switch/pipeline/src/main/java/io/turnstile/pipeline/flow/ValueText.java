package io.turnstile.pipeline.flow;

import static io.turnstile.datapath.FieldValues.FRAGMENT_ANY;
import static io.turnstile.datapath.FieldValues.FRAGMENT_LATER;

import io.turnstile.address.AddressText;
import io.turnstile.datapath.FieldText;
import io.turnstile.datapath.FlagNames;
import io.turnstile.pipeline.flow.MatchField.Masked;
import java.math.BigInteger;
import java.util.OptionalInt;

/** One field's value with its mask, in the style of the field. */
final class ValueText {
    private ValueText() {}

    static Masked parse(MatchField field, String text, PortNames ports) throws FlowTextException {
        if (text.isEmpty()) {
            throw new FlowTextException("field " + field.name() + " missing value");
        }
        Masked parsed = switch (field.style()) {
            case DECIMAL, PADDED, UNMASKED, HEX, HEX_NUMBER, ETHER_TYPE, FLOW_LABEL, VLAN_TCI -> integer(field, text);
            case PACKET_TYPE -> PacketTypeText.parse(text);
            case MAC -> mac(text);
            case ADDRESS4 -> ipv4(text);
            case ADDRESS6 -> ipv6(text);
            case PORT -> port(text, ports);
            case FRAGMENT -> fragment(text);
            case TCP_FLAGS -> narrow(FlagText.parse(FlagNames.TCP_FLAGS, text));
            case CT_STATE -> narrow(FlagText.parse(FlagNames.CT_STATE, text));
        };
        boolean whole = parsed.maskLow() == field.lowMask()
                && parsed.maskHigh() == field.field().highMask();
        boolean nothing = parsed.maskLow() == 0 && parsed.maskHigh() == 0;
        if (!field.maskable() && !whole && !nothing && !coversWidth(field, parsed)) {
            throw new FlowTextException(
                    text + ": this field may not be masked, or only with all-ones: " + field.name());
        }
        return parsed;
    }

    /** {@code nw_tos} has eight bits as a number and six as a match; a mask of eight ones still means "all of it". */
    private static boolean coversWidth(MatchField field, Masked parsed) {
        return (parsed.maskLow() & field.lowMask()) == field.lowMask();
    }

    private static Masked narrow(long[] valueAndMask) {
        return new Masked(0, valueAndMask[0], 0, valueAndMask[1]);
    }

    private static Masked integer(MatchField field, String text) throws FlowTextException {
        int slash = text.indexOf('/');
        BigInteger value = Numbers.big(slash < 0 ? text : text.substring(0, slash));
        int limit = field.isWide() ? field.widthBits() : Long.SIZE - Long.numberOfLeadingZeros(field.valueBits());
        if (value.signum() < 0 || value.bitLength() > limit) {
            throw new FlowTextException(
                    text + ": value too large for " + field.widthBits() + "-bit field " + field.name());
        }
        if (slash < 0) {
            return new Masked(high(value), value.longValue(), field.field().highMask(), field.lowMask());
        }
        BigInteger mask = Numbers.big(text.substring(slash + 1));
        if (mask.bitLength() > limit) {
            throw new FlowTextException(
                    text + ": mask too large for " + field.widthBits() + "-bit field " + field.name());
        }
        return new Masked(
                high(value),
                value.longValue(),
                high(mask) & field.field().highMask(),
                mask.longValue() & field.lowMask());
    }

    private static long high(BigInteger number) {
        return number.shiftRight(64).longValue();
    }

    private static Masked mac(String text) throws FlowTextException {
        int slash = text.indexOf('/');
        long value = AddressMaskText.parseMac(slash < 0 ? text : text.substring(0, slash));
        return new Masked(
                0, value, 0, slash < 0 ? 0xffff_ffff_ffffL : AddressMaskText.parseMac(text.substring(slash + 1)));
    }

    private static Masked ipv4(String text) throws FlowTextException {
        int slash = text.indexOf('/');
        long value = AddressMaskText.parseIpv4(slash < 0 ? text : text.substring(0, slash));
        return new Masked(
                0, value, 0, slash < 0 ? 0xffff_ffffL : AddressMaskText.parseIpv4Mask(text.substring(slash + 1)));
    }

    private static Masked ipv6(String text) throws FlowTextException {
        int slash = text.indexOf('/');
        long[] value = AddressMaskText.parseIpv6(slash < 0 ? text : text.substring(0, slash));
        long[] mask = slash < 0 ? new long[] {-1, -1} : AddressMaskText.parseIpv6Mask(text.substring(slash + 1));
        return new Masked(value[0], value[1], mask[0], mask[1]);
    }

    private static Masked port(String text, PortNames ports) throws FlowTextException {
        OptionalInt port = ports.parse(text);
        if (port.isEmpty()) {
            throw new FlowTextException(text + ": invalid or unknown port for in_port");
        }
        return new Masked(0, Integer.toUnsignedLong(port.getAsInt()), 0, 0xffff_ffffL);
    }

    private static Masked fragment(String text) throws FlowTextException {
        return switch (text) {
            case "no" -> new Masked(0, 0, 0, FRAGMENT_ANY);
            case "yes" -> new Masked(0, FRAGMENT_ANY, 0, FRAGMENT_ANY);
            case "first" -> new Masked(0, FRAGMENT_ANY, 0, FRAGMENT_ANY | FRAGMENT_LATER);
            case "later" -> new Masked(0, FRAGMENT_LATER, 0, FRAGMENT_LATER);
            case "not_later" -> new Masked(0, 0, 0, FRAGMENT_LATER);
            default ->
                throw new FlowTextException(
                        text
                                + ": unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\"");
        };
    }

    static String formatFragment(long value, long mask) {
        boolean any = (value & FRAGMENT_ANY) != 0;
        boolean later = (value & FRAGMENT_LATER) != 0;
        return switch ((int) mask & 3) {
            case FRAGMENT_ANY -> any ? "yes" : "no";
            case FRAGMENT_LATER -> later ? "later" : "not_later";
            default -> any ? later ? "later" : "first" : later ? "<error>" : "no";
        };
    }

    /** As {@code set_field} and {@code ofproto/trace} print it: the value, and the mask unless it is all ones. */
    static String format(MatchField field, Masked masked) {
        boolean exact = (masked.maskLow() & field.lowMask()) == field.lowMask()
                && (masked.maskHigh() & field.field().highMask())
                        == field.field().highMask();
        return switch (field.style()) {
            case PACKET_TYPE -> PacketTypeText.format(masked.low());
            case HEX_NUMBER ->
                "0x" + Long.toHexString(masked.low()) + (exact ? "" : "/0x" + Long.toHexString(masked.maskLow()));
            case DECIMAL, PADDED, UNMASKED ->
                Numbers.decimal(masked.low()) + (exact ? "" : "/" + Numbers.hex(masked.maskLow()));
            case HEX, ETHER_TYPE, FLOW_LABEL, VLAN_TCI ->
                FieldText.hex(masked.high(), masked.low())
                        + (exact ? "" : "/" + FieldText.hex(masked.maskHigh(), masked.maskLow()));
            case MAC -> AddressText.mac(masked.low()) + (exact ? "" : "/" + AddressText.mac(masked.maskLow()));
            case ADDRESS4 -> AddressMaskText.ipv4Masked(masked.low(), masked.maskLow());
            case ADDRESS6 ->
                AddressMaskText.ipv6Masked(masked.high(), masked.low(), masked.maskHigh(), masked.maskLow());
            case PORT -> PortNames.format((int) masked.low());
            case FRAGMENT -> formatFragment(masked.low(), masked.maskLow());
            case TCP_FLAGS -> FlagText.format(FlagNames.TCP_FLAGS, masked.low(), masked.maskLow());
            case CT_STATE -> FlagText.format(FlagNames.CT_STATE, masked.low(), masked.maskLow());
        };
    }
}
