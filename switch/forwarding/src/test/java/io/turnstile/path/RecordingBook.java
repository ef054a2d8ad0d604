package io.turnstile.path;

import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A book in which all directions are wanted until a path or a reason is there; the test carries and ends. */
final class RecordingBook implements PathBook {
    final class Offered implements PathHandle {
        final PathOffer offer;
        PathEnd withdrawn;
        boolean over;

        Offered(PathOffer offer) {
            this.offer = offer;
        }

        @Override
        public void withdraw(PathEnd reason) {
            withdrawn = reason;
            log.add("withdraw " + offer.direction() + ": " + reason);
            if (endsAtOnce) {
                end();
            }
        }

        void end() {
            if (!over) {
                over = true;
                settled.remove(offer.connectionId() + " " + offer.direction());
                offer.user().ended();
            }
        }

        @Override
        public boolean isOver() {
            return over;
        }
    }

    boolean asked = true;
    boolean endsAtOnce = true;
    Runnable beforeOffer = () -> {};
    Runnable whileAwaited = () -> {};
    final List<Offered> offers = new ArrayList<>();
    final List<String> log = new ArrayList<>();
    private final Set<String> settled = new HashSet<>();

    @Override
    public boolean isAsked() {
        return asked;
    }

    @Override
    public boolean wants(long connectionId, boolean reply) {
        return asked && !settled.contains(connectionId + " " + direction(reply));
    }

    private static Direction direction(boolean reply) {
        return reply ? Direction.REPLY : Direction.ORIGINAL;
    }

    @Override
    public boolean claim(long connectionId, boolean reply) {
        return settled.add(connectionId + " " + direction(reply));
    }

    @Override
    public PathHandle offer(PathOffer offer) {
        beforeOffer.run();
        Offered offered = new Offered(offer);
        offers.add(offered);
        log.add("offer " + offer.direction());
        return offered;
    }

    @Override
    public void refuse(long connectionId, Direction direction, String reason, boolean again) {
        log.add("refuse " + direction + ": " + reason + (again ? ", again" : ""));
        if (again) {
            settled.remove(connectionId + " " + direction);
        }
    }

    @Override
    public void waysChanged() {}

    @Override
    public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
        log.add("await " + paths.size());
        whileAwaited.run();
        return paths.stream().allMatch(PathHandle::isOver);
    }

    @Override
    public List<DirectionState> states(long connectionId) {
        return List.of(new DirectionState(Direction.ORIGINAL, "ending", "slow", "", ""));
    }

    @Override
    public Totals totals() {
        return new Totals(0, 0, 0);
    }
}
