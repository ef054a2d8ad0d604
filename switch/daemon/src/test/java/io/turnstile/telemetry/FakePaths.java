package io.turnstile.telemetry;

import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** A book that says what the test has it say, and remembers what it was told. */
public final class FakePaths implements PathBook {
    public boolean asked;
    public List<DirectionState> states = List.of();
    public Totals totals = new Totals(0, 0, 0);
    public final List<PathOffer> offers = new ArrayList<>();
    public final List<String> refusals = new ArrayList<>();

    @Override
    public boolean isAsked() {
        return asked;
    }

    @Override
    public boolean wants(long connectionId, boolean reply) {
        return true;
    }

    @Override
    public boolean claim(long connectionId, boolean reply) {
        return true;
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
        refusals.add(connectionId + " " + direction + ": " + reason + (again ? ", again" : ""));
    }

    @Override
    public void waysChanged() {}

    @Override
    public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
        return true;
    }

    @Override
    public List<DirectionState> states(long connectionId) {
        return states;
    }

    @Override
    public Totals totals() {
        return totals;
    }
}
