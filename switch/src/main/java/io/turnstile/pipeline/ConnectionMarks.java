package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;

/** What {@code ct(exec(…))} writes into the connection: bits of ct_mark and ct_label. */
final class ConnectionMarks {
    private final long[] packet;
    private final long[] lookedAt;
    private final long[] value = FlowKey.newKey();
    private final long[] mask = FlowKey.newKey();

    /** @param lookedAt gets the bits of the packet that the marks are taken from */
    ConnectionMarks(long[] packet, long[] lookedAt) {
        this.packet = packet;
        this.lookedAt = lookedAt;
    }

    /** A set_field, load or move; nothing else gets past the check of the flow. */
    void apply(OfAction action) {
        if (action instanceof OfAction.SetField set) {
            write(set.field(), new Bits(set.valueHigh(), set.valueLow()), new Bits(set.maskHigh(), set.maskLow()));
        } else if (action instanceof OfAction.Move move && Prerequisites.areMet(move.source().field(), packet, lookedAt)) {
            Bits.maskOf(move.source()).orInto(move.source().field(), lookedAt);
            write(move.destination().field(), Bits.read(move.source(), packet).shiftedLeft(move.destination().offsetBits()),
                    Bits.maskOf(move.destination()));
        }
    }

    private void write(Field field, Bits bits, Bits bitMask) {
        bits.writeTo(field, bitMask, value);
        bitMask.orInto(field, mask);
    }

    int mark() {
        return (int) Field.CT_MARK.get(value);
    }

    int markMask() {
        return (int) Field.CT_MARK.get(mask);
    }

    long labelHigh() {
        return Field.CT_LABEL.getHigh(value);
    }

    long labelLow() {
        return Field.CT_LABEL.get(value);
    }

    long labelMaskHigh() {
        return Field.CT_LABEL.getHigh(mask);
    }

    long labelMaskLow() {
        return Field.CT_LABEL.get(mask);
    }
}
