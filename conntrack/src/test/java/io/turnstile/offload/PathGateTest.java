package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PathGateTest {
    private static final PortRef INSIDE = new PortRef(1, "p1");
    private static final PortRef OUTSIDE = new PortRef(2, "p2");
    private static final TupleView TUPLE = new TupleView(false, 17, 0, 1, 0, 2, 1000, 53, 0, 0, 0);

    private final NotingBook book = new NotingBook();
    private final PathGate gate = new PathGate(book);
    private final NotingUser user = new NotingUser();

    /** What came to the book. */
    private static final class NotingBook implements PathBook {
        final List<PathOffer> offers = new ArrayList<>();
        final List<String> refusals = new ArrayList<>();

        @Override
        public boolean isAsked() {
            return true;
        }

        @Override
        public boolean wants(long connectionId, boolean reply) {
            return reply;
        }

        @Override
        public boolean claim(long connectionId, boolean reply) {
            return reply;
        }

        @Override
        public PathHandle offer(PathOffer offer) {
            offers.add(offer);
            return new PathHandle() {
                @Override
                public void withdraw(PathEnd reason) {}

                @Override
                public boolean isOver() {
                    return false;
                }
            };
        }

        @Override
        public void refuse(long connectionId, Direction direction, String reason, boolean again) {
            refusals.add(connectionId + " " + direction + " " + reason + " " + again);
        }

        @Override
        public void waysChanged() {}

        @Override
        public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
            return paths.isEmpty();
        }

        @Override
        public List<DirectionState> states(long connectionId) {
            return List.of();
        }

        @Override
        public Totals totals() {
            return new Totals(1, 2, 3);
        }
    }

    private static final class NotingUser implements PathUser {
        int ended;

        @Override
        public boolean isCurrent() {
            return true;
        }

        @Override
        public void carried(long packets, long bytes, long lastUsedNs) {}

        @Override
        public void ended() {
            ended++;
        }
    }

    private PathHandle offer(PortRef ingress, PortRef egress) {
        return gate.offer(
                new PathOffer(List.of(7L), Direction.REPLY, ingress, TUPLE, List.of(), egress, TUPLE, List.of(), user));
    }

    @Test
    void whatMayBeCarriedGoesToTheBook() {
        assertThat(offer(INSIDE, OUTSIDE).isOver()).isFalse();
        assertThat(book.offers).hasSize(1);
        assertThat(gate.offered()).isOne();
        assertThat(gate.refusals()).isEmpty();
        assertThat(user.ended).isZero();
    }

    @Test
    void pathsByAPortThatIsLeftAloneAreRefusedInItsName() {
        for (PortRef port : List.of(INSIDE, OUTSIDE)) {
            gate.leaveAlone(Set.of(port.name()));
            assertThat(offer(INSIDE, OUTSIDE).isOver()).isTrue();
        }
        assertThat(book.offers).isEmpty();
        assertThat(user.ended).isEqualTo(2);
        assertThat(book.refusals)
                .containsExactly("7 reply offload-attach=none of p1 false", "7 reply offload-attach=none of p2 false");
        assertThat(gate.refusals()).containsOnlyKeys("offload-attach=none of p1", "offload-attach=none of p2");

        gate.leaveAlone(Set.of());
        assertThat(offer(INSIDE, OUTSIDE).isOver()).isFalse();
    }

    @Test
    void refusalsAreCountedByReasonAndPassedOn() {
        gate.refuse(1, Direction.ORIGINAL, "meter", true);
        gate.refuse(2, Direction.REPLY, "meter", false);
        gate.refuse(2, Direction.REPLY, "mirror", false);
        assertThat(gate.refusals()).isEqualTo(Map.of("meter", 2L, "mirror", 1L));
        assertThat(book.refusals)
                .containsExactly("1 original meter true", "2 reply meter false", "2 reply mirror false");
    }

    @Test
    void reasonsWithoutEndAreCountedTogether() {
        for (int i = 0; i < 1000; i++) {
            gate.refuse(1, Direction.ORIGINAL, "reason " + i, false);
        }
        assertThat(gate.refusals()).hasSizeLessThanOrEqualTo(101).containsEntry("other", 900L);
        assertThat(book.refusals).hasSize(1000);
    }
}
