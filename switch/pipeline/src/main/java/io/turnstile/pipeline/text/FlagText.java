package io.turnstile.pipeline.text;

import java.util.List;
import java.util.Locale;

/** A word of named bits: {@code +trk-new}, {@code syn|ack}, {@code 0x21/0x21}. */
final class FlagText {
    static final FlagText CT_STATE =
            new FlagText("ct_state", List.of("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"));
    static final FlagText TCP_FLAGS = new FlagText(
            "tcp_flags",
            List.of("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"));

    private final String field;
    private final List<String> names;

    private FlagText(String field, List<String> names) {
        this.field = field;
        this.names = names;
    }

    private long all() {
        return (1L << names.size()) - 1;
    }

    /** @return value and mask */
    long[] parse(String text) throws FlowTextException {
        if (text.isEmpty()) {
            throw new FlowTextException("field " + field + " missing value");
        }
        if (Character.isDigit(text.charAt(0))) {
            return checked(Numbers.parseMasked(text, all()));
        }
        if (text.charAt(0) == '+' || text.charAt(0) == '-') {
            return signed(text);
        }
        long value = 0;
        for (String name : text.split("\\|")) {
            value |= bit(name);
        }
        return new long[] {value, all()};
    }

    private long[] checked(long[] valueAndMask) throws FlowTextException {
        if ((valueAndMask[0] & ~all()) != 0) {
            throw new FlowTextException(
                    field + ": unknown or unsupported bits in 0x" + Long.toHexString(valueAndMask[0]));
        }
        return new long[] {valueAndMask[0], valueAndMask[1] & all()};
    }

    private long[] signed(String text) throws FlowTextException {
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
            long bit = bit(name);
            if ((mask & bit) != 0) {
                throw new FlowTextException(name + ": Each " + field + " flag can be specified only once");
            }
            mask |= bit;
            value |= sign == '+' ? bit : 0;
            at = end;
        }
        return new long[] {value, mask};
    }

    private long bit(String name) throws FlowTextException {
        int index = names.indexOf(name.trim().toLowerCase(Locale.ROOT));
        if (index < 0) {
            throw new FlowTextException(name + ": unknown " + field + " flag(s)");
        }
        return 1L << index;
    }

    String format(long value, long mask) {
        StringBuilder out = new StringBuilder();
        boolean whole = (mask & all()) == all();
        for (int i = 0; i < names.size(); i++) {
            long bit = 1L << i;
            if (whole && (value & bit) != 0) {
                out.append(out.isEmpty() ? "" : "|").append(names.get(i));
            } else if (!whole && (mask & bit) != 0) {
                out.append((value & bit) != 0 ? '+' : '-').append(names.get(i));
            }
        }
        return out.isEmpty() ? "0" : out.toString();
    }
}
