package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.OfAction.SubField;
import java.math.BigInteger;
import java.util.List;

/** {@code NXM_NX_REG0[0..15]}, {@code reg0[3]}, {@code ct_mark[]}. */
public final class SubFieldText {
    private SubFieldText() {}

    /** @param offsetBits in the field's own numbering */
    record Parsed(MatchField field, int offsetBits, int widthBits) {

        SubField toKey() {
            return new SubField(field.field(), field.offsetBits() + offsetBits, widthBits);
        }

        /** Puts an integer into the bits, in the numbering of the key field. */
        Placed place(BigInteger value, String text) throws FlowTextException {
            if (value.signum() < 0 || value.bitLength() > widthBits) {
                throw new FlowTextException(text + ": value " + value + " does not fit into " + widthBits + " bits");
            }
            int shift = field.offsetBits() + offsetBits;
            BigInteger placed = value.shiftLeft(shift);
            BigInteger mask =
                    BigInteger.ONE.shiftLeft(widthBits).subtract(BigInteger.ONE).shiftLeft(shift);
            return new Placed(
                    placed.shiftRight(64).longValue(),
                    placed.longValue(),
                    mask.shiftRight(64).longValue(),
                    mask.longValue());
        }
    }

    /** Value and mask in the key field's own numbering. */
    record Placed(long high, long low, long maskHigh, long maskLow) {}

    static Parsed parse(String text) throws FlowTextException {
        int bracket = text.indexOf('[');
        String name = bracket < 0 ? text : text.substring(0, bracket);
        MatchField field = MatchField.named(name);
        if (field == null) {
            throw new FlowTextException(text + ": unknown field `" + name + "'");
        }
        if (bracket < 0 || text.substring(bracket).equals("[]")) {
            return new Parsed(field, 0, field.widthBits());
        }
        String inside = text.endsWith("]") ? text.substring(bracket + 1, text.length() - 1) : "";
        if (!inside.matches("[0-9]{1,3}(\\.\\.[0-9]{1,3})?")) {
            throw new FlowTextException(text + ": syntax error expecting [] or [<bit>] or [<start>..<end>]");
        }
        int dots = inside.indexOf("..");
        int start = Integer.parseInt(dots < 0 ? inside : inside.substring(0, dots));
        int end = dots < 0 ? start : Integer.parseInt(inside.substring(dots + 2));
        check(text, field, start, end);
        return new Parsed(field, start, end - start + 1);
    }

    private static void check(String text, MatchField field, int start, int end) throws FlowTextException {
        if (start > end) {
            throw new FlowTextException(text + ": starting bit " + start + " is after ending bit " + end);
        }
        if (end >= field.widthBits()) {
            throw new FlowTextException(text + ": ending bit " + end + " is not valid because field is only "
                    + field.widthBits() + " bits wide");
        }
    }

    /**
     * The match field that these bits of the key are called by: one that is just these bits rather than one that has
     * more, then one whose prerequisites the match meets, then the widest. Bits of vlan_tci and nw_tos are called so,
     * even where vlan_vid and ip_dscp are just these: vlan_vid cannot be written without the tag's presence bit.
     */
    public static MatchField fieldOf(Field key, int offsetBits, int widthBits, Match context) {
        return best(MatchField.of(key), key, offsetBits, widthBits, context);
    }

    /** The same of bits that an action writes: where fields share a place in the key, it is one that can be written. */
    public static MatchField writtenFieldOf(Field key, int offsetBits, int widthBits, Match context) {
        List<MatchField> writable =
                MatchField.of(key).stream().filter(MatchField::writable).toList();
        return best(writable, key, offsetBits, widthBits, context);
    }

    private static MatchField best(List<MatchField> names, Field key, int offsetBits, int widthBits, Match context) {
        MatchField best = null;
        int bestScore = -1;
        boolean anyCoded = names.stream().anyMatch(MatchField::isCoded);
        for (MatchField field : names) {
            if (field.access() == MatchField.Access.WHOLE
                    || !field.contains(offsetBits, widthBits)
                    || anyCoded && !field.isCoded()) {
                continue;
            }
            boolean same = field.offsetBits() == offsetBits && field.widthBits() == widthBits;
            boolean allowed = field.prerequisite().isMet(context::value, context::mask);
            int score = (same ? 1000 : 0) + (allowed ? 500 : 0) + field.widthBits();
            if (score > bestScore) {
                best = field;
                bestScore = score;
            }
        }
        if (best == null) {
            throw new IllegalArgumentException(
                    "no OpenFlow field covers " + key + "[" + offsetBits + "+" + widthBits + "]");
        }
        return best;
    }

    /** Such as {@code NXM_NX_REG0[0..15]}; the context says whether a port is TCP's or UDP's. */
    public static String format(SubField sub, Match context) {
        MatchField field = fieldOf(sub.field(), sub.offsetBits(), sub.widthBits(), context);
        return format(field, sub.offsetBits() - field.offsetBits(), sub.widthBits());
    }

    static String format(MatchField field, int offset, int bits) {
        if (offset == 0 && bits == field.widthBits()) {
            return field.codeName() + "[]";
        }
        return field.codeName() + (bits == 1 ? "[" + offset + "]" : "[" + offset + ".." + (offset + bits - 1) + "]");
    }
}
