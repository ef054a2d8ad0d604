package io.turnstile.pipeline.flow;

import java.util.Locale;

/**
 * A field's number in NXM or OXM.
 *
 * @param number class and field number without mask bit and length ({@code class << 7 | number}), -1: none
 * @param experimenter13 under OpenFlow 1.3 it is one of ONF's experimenter fields, of the same number
 */
record FieldCode(int number, String name, boolean experimenter13) {
    static final int NUMBER_BITS = 7;
    /** The class of fields whose numbers are a vendor's. */
    static final int EXPERIMENTER_CLASS = 0xffff;
    /** The same of Nicira's older vendor number; on the wire the class is the same, and the vendor tells. */
    static final int NICIRA_CLASS = 0x1ffff;

    static final FieldCode NONE = new FieldCode(-1, "", false);

    /** @param name without the prefix; if there is none, it is the field's */
    static FieldCode of(int codeClass, String prefix, int number, String... name) {
        if (number >>> NUMBER_BITS != 0) {
            throw new IllegalArgumentException("field number " + number);
        }
        return new FieldCode(codeClass << NUMBER_BITS | number, prefix + (name.length == 0 ? "" : name[0]), false);
    }

    FieldCode named(String field) {
        return name.endsWith("_") ? new FieldCode(number, name + field.toUpperCase(Locale.ROOT), experimenter13) : this;
    }

    FieldCode asExperimenter13() {
        return new FieldCode(number, name, true);
    }

    /** True if there is a number. */
    boolean exists() {
        return number >= 0;
    }

    /** The number without its class. */
    int fieldNumber() {
        return number & (1 << NUMBER_BITS) - 1;
    }
}
