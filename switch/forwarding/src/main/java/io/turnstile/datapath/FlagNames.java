package io.turnstile.datapath;

import io.turnstile.conntrack.CtState;
import java.util.List;

/** The names of a field's bits, lowest first, and how Open vSwitch writes sets of them. */
public enum FlagNames {
    CT_STATE("ct_state", CtState.NAMES),
    TCP_FLAGS(
            "tcp_flags",
            List.of("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"));

    private final String field;
    private final List<String> names;

    FlagNames(String field, List<String> names) {
        this.field = field;
        this.names = names;
    }

    public String field() {
        return field;
    }

    /** All bits that have a name. */
    public long all() {
        return (1L << names.size()) - 1;
    }

    /** The bit of that name, 0 if there is none. */
    public long bit(String name) {
        int index = names.indexOf(name);
        return index < 0 ? 0 : 1L << index;
    }

    /** Those that are set: {@code syn|ack}; {@code 0} if none is. */
    public String set(long bits) {
        return set(bits, "0");
    }

    /** Those that are set: {@code syn|ack}; {@code none} if none is. */
    public String set(long bits, String none) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < names.size(); i++) {
            if ((bits & 1L << i) != 0) {
                text.append(text.isEmpty() ? "" : "|").append(names.get(i));
            }
        }
        return text.isEmpty() ? none : text.toString();
    }

    /** Each bit of the mask with its sign: {@code +trk-new}; empty for an empty mask. */
    public String signed(long bits, long mask) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < names.size(); i++) {
            if ((mask & 1L << i) != 0) {
                text.append((bits & 1L << i) != 0 ? '+' : '-').append(names.get(i));
            }
        }
        return text.toString();
    }
}
