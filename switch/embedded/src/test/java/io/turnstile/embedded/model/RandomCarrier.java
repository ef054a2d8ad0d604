package io.turnstile.embedded.model;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A carrier that declines some paths, has no room for others, and loses some that it has. */
final class RandomCarrier extends CarrierByHand {
    private final Random random;
    /** Why paths were taken back, how often. */
    private final Map<PathEnd, Integer> ends = new EnumMap<>(PathEnd.class);

    private long carried;
    private @Nullable ProviderContext context;

    RandomCarrier(long seed) {
        random = new Random(seed);
    }

    @Override
    public void init(ProviderContext context) {
        super.init(context);
        this.context = context;
    }

    @Override
    public Verdict pathPut(ConnView connection, Path path) {
        return switch (random.nextInt(20)) {
            case 0 -> Verdict.decline("not this one");
            case 1 -> Verdict.later("no room");
            default -> super.pathPut(connection, path);
        };
    }

    @Override
    public OffloadResult.Carried pathDel(ConnView connection, Path path, PathEnd reason) {
        ends.merge(reason, 1, Integer::sum);
        return super.pathDel(connection, path, reason);
    }

    @Override
    public @Nullable Carried forward(String ingress, byte[] bytes, Egress egress) {
        if (!paths.isEmpty() && random.nextInt(100) == 0) {
            List<Path> all = List.copyOf(paths.values());
            Objects.requireNonNull(context)
                    .pathLost(all.get(random.nextInt(all.size())).id(), "worn out");
        }
        Carried result = super.forward(ingress, bytes, egress);
        carried += result == null ? 0 : 1;
        return result;
    }

    /** Frames. */
    long carried() {
        return carried;
    }

    Map<PathEnd, Integer> ends() {
        return ends;
    }

    @Override
    public String toString() {
        return carried + " frames carried, paths ended: " + ends;
    }
}
