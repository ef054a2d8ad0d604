package io.turnstile.pipeline.flow;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a group of type SELECT chooses ({@code selection_method}, {@code selection_method_param} and {@code fields} of
 * ovs-ofctl(8); a property of Netronome's on the wire).
 *
 * @param parameter HASH: where the hash begins; DP_HASH: the upper half is the datapath's algorithm, the lower one
 *     where its hash begins
 * @param fields HASH only: what is hashed, in the order of the wire; none: what Open vSwitch hashes without a method
 */
public record SelectionMethod(Method method, long parameter, List<HashedField> fields) {

    /** The methods that there are. */
    public enum Method {
        HASH("hash"),
        DP_HASH("dp_hash");

        private final String label;

        Method(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }

        /** The method with that name; null if there is none. */
        public static @Nullable Method named(String label) {
            for (Method method : values()) {
                if (method.label.equals(label)) {
                    return method;
                }
            }
            return null;
        }
    }

    /** Bits of a field, in the field's own numbering. */
    public record HashedField(MatchField field, Bits mask) {

        /** The field's bits that the mask has, as many bytes as on the wire. */
        public byte[] maskedBytes(long[] key) {
            Bits bits = Bits.read(part(), key).and(mask);
            byte[] bytes = new byte[field.wireBytes()];
            for (int i = 0; i < bytes.length; i++) {
                int shift = Byte.SIZE * (bytes.length - 1 - i);
                bytes[i] = (byte) (shift >= Long.SIZE ? bits.high() >>> shift - Long.SIZE : bits.low() >>> shift);
            }
            return bytes;
        }

        /** Marks what the mask has as looked at. */
        public void lookAt(long[] wildcards) {
            mask.shiftedLeft(field.offsetBits()).orInto(field.field(), wildcards);
        }

        private OfAction.SubField part() {
            return new OfAction.SubField(field.field(), field.offsetBits(), field.widthBits());
        }
    }
}
