package io.turnstile.pipeline.flow;

import io.turnstile.datapath.FlagNames;
import java.util.Locale;

/** A word of named bits in a flow: {@code +trk-new}, {@code syn|ack}, {@code 0x21/0x21}. */
final class FlagText {
    private FlagText() {}

    /** Returns value and mask. */
    static long[] parse(FlagNames names, String text) throws FlowTextException {
        if (text.isEmpty()) {
            throw new FlowTextException("field " + names.field() + " missing value");
        }
        if (Character.isDigit(text.charAt(0))) {
            return checked(names, Numbers.parseMasked(text, names.all()));
        }
        if (text.charAt(0) == '+' || text.charAt(0) == '-') {
            return signed(names, text);
        }
        long value = 0;
        for (String name : text.split("\\|")) {
            value |= bit(names, name);
        }
        return new long[] {value, names.all()};
    }

    private static long[] checked(FlagNames names, long[] valueAndMask) throws FlowTextException {
        if ((valueAndMask[0] & ~names.all()) != 0) {
            throw new FlowTextException(
                    names.field() + ": unknown or unsupported bits in 0x" + Long.toHexString(valueAndMask[0]));
        }
        return new long[] {valueAndMask[0], valueAndMask[1] & names.all()};
    }

    private static long[] signed(FlagNames names, String text) throws FlowTextException {
        long value = 0;
        long mask = 0;
        for (int at = 0; at < text.length(); ) {
            char sign = text.charAt(at);
            if (sign != '+' && sign != '-') {
                throw new FlowTextException(text + ": Flag must start with '+', for TRUE, or '-', for FALSE");
            }
            int end = at + 1;
            while (end < text.length() && text.charAt(end) != '+' && text.charAt(end) != '-') {
                end++;
            }
            String name = text.substring(at + 1, end);
            long bit = bit(names, name);
            if ((mask & bit) != 0) {
                throw new FlowTextException(name + ": Each " + names.field() + " flag can be specified only once");
            }
            mask |= bit;
            value |= sign == '+' ? bit : 0;
            at = end;
        }
        return new long[] {value, mask};
    }

    private static long bit(FlagNames names, String name) throws FlowTextException {
        long bit = names.bit(name.trim().toLowerCase(Locale.ROOT));
        if (bit == 0) {
            throw new FlowTextException(name + ": unknown " + names.field() + " flag(s)");
        }
        return bit;
    }

    /** The bits that are set if all are matched on, else the sign of each that is. */
    static String format(FlagNames names, long value, long mask) {
        if ((mask & names.all()) == names.all()) {
            return names.set(value);
        }
        String signed = names.signed(value, mask);
        return signed.isEmpty() ? "0" : signed;
    }
}
