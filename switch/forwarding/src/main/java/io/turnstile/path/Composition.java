package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.TupleView;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What came of summing a walk up. */
sealed interface Composition {

    /**
     * The walk as a path.
     *
     * @param members the connections met, in order; the first is the one whose path it is
     * @param ingress datapath port
     * @param egress datapath port
     * @param steps the flows met, one a round
     */
    record Composed(
            List<Member> members,
            int ingress,
            TupleView arriving,
            List<HeaderBits> guard,
            int egress,
            TupleView leaving,
            List<HeaderBits> rewrites,
            List<Step> steps)
            implements Composition {

        Direction direction() {
            return members.getFirst().direction();
        }

        long connectionId() {
            return members.getFirst().connectionId();
        }
    }

    /** Why there is no path. */
    record Refused(NotCarried reason, @Nullable Field field) implements Composition {
        Refused(NotCarried reason) {
            this(reason, null);
        }

        String text() {
            return field == null ? reason.text() : reason.text() + " " + field.label();
        }
    }

    /**
     * A flow of the walk.
     *
     * @param extraBytes by how much packets are longer there than they came in
     */
    record Step(DatapathFlow flow, int extraBytes) {}

    /**
     * A connection of the walk, and what it has to be like for packets to go this way: established, and with these bits
     * of mark and label. There may be millions.
     */
    record Member(long connectionId, Direction direction, Bits bits) {

        boolean holds(ConnectionSnapshot connection) {
            return !connection.removed
                    && connection.established
                    && connection.control == ConnectionSnapshot.Control.NO
                    && bits.areOf(connection);
        }
    }

    /** What flows look at, or write, of a connection's mark and label. */
    record Bits(int mark, int markMask, long labelHigh, long labelLow, long labelMaskHigh, long labelMaskLow) {
        /** Neither is looked at, as mostly. */
        static final Bits NONE = new Bits(0, 0, 0, 0, 0, 0);

        boolean areOf(ConnectionSnapshot connection) {
            return ((connection.mark ^ mark) & markMask) == 0
                    && ((connection.labelHigh ^ labelHigh) & labelMaskHigh) == 0
                    && ((connection.labelLow ^ labelLow) & labelMaskLow) == 0;
        }
    }
}
