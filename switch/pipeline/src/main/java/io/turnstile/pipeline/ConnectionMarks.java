package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.Prerequisites;

/**
 * The bits of ct_mark and ct_label that {@code ct(exec(…))} writes into the connection. They are written into the
 * packet's key too, so that each nested action sees what those before it wrote; actions after the ct() do not see them.
 */
final class ConnectionMarks {
    private final long[] packet;
    private final long[] lookedAt;
    private final long[] mask = FlowKey.newKey();

    /**
     * @param packet written to
     * @param lookedAt gets the bits of the packet that the marks are taken from
     */
    ConnectionMarks(long[] packet, long[] lookedAt) {
        this.packet = packet;
        this.lookedAt = lookedAt;
    }

    /** A set_field or load. */
    void set(OfAction.SetField set) {
        write(set.field(), new Bits(set.valueHigh(), set.valueLow()), new Bits(set.maskHigh(), set.maskLow()));
    }

    /** Returns whether the packet has the field that is moved. */
    boolean move(OfAction.Move move) {
        OfAction.SubField source = move.source();
        if (!Prerequisites.areMet(source.field(), packet, lookedAt)) {
            return false;
        }
        Bits written = new Bits(source.field().getHigh(mask), source.field().get(mask));
        Bits.maskOf(source).without(written).orInto(source.field(), lookedAt);
        write(
                move.destination().field(),
                Bits.read(source, packet).shiftedLeft(move.destination().offsetBits()),
                Bits.maskOf(move.destination()));
        return true;
    }

    private void write(Field field, Bits bits, Bits bitMask) {
        bits.writeTo(field, bitMask, packet);
        bitMask.orInto(field, mask);
    }

    int mark() {
        return (int) Field.CT_MARK.get(packet) & markMask();
    }

    int markMask() {
        return (int) Field.CT_MARK.get(mask);
    }

    long labelHigh() {
        return Field.CT_LABEL.getHigh(packet) & labelMaskHigh();
    }

    long labelLow() {
        return Field.CT_LABEL.get(packet) & labelMaskLow();
    }

    long labelMaskHigh() {
        return Field.CT_LABEL.getHigh(mask);
    }

    long labelMaskLow() {
        return Field.CT_LABEL.get(mask);
    }
}
