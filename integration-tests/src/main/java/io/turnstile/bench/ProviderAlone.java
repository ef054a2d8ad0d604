package io.turnstile.bench;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A provider that is called as a lane would, in lists, with nothing of the switch behind it: both directions of each
 * connection, source NAT, a TTL that is counted down.
 *
 * <p>Threads: one.
 */
final class ProviderAlone implements AutoCloseable {
    private static final int UDP = 17;
    private static final int PORTS = 50_000;
    private static final int FIRST_PORT = 1024;
    private static final long FIRST_CLIENT = 0x0a00_0001;
    private static final long FIRST_OUTSIDE = 0xc633_6401L; // 198.51.100.1
    private static final long SERVER = 0xc000_0201L; // 192.0.2.1
    private static final List<HeaderBits> GUARD =
            List.of(HeaderBits.exactly(HeaderField.NW_TTL, 64), new HeaderBits(HeaderField.VLAN_TCI, 0, 0x1000));
    private static final List<HeaderBits> REWRITES = List.of(
            HeaderBits.exactly(HeaderField.NW_TTL, 63), HeaderBits.exactly(HeaderField.ETH_DST, 0x0200_0000_0002L));

    private final OffloadProvider provider;
    private final PortRef[] ports = new PortRef[2];
    private final int listLength;
    private final Path[] paths;

    /** What an operation is made of. */
    private interface Making {
        OffloadOperation of(ConnView connection, Path path);
    }

    /**
     * Has the provider come up, and makes the paths.
     *
     * @param ifindexes of the devices that packets come in by and leave by
     * @param listLength how many operations are handed over at once
     */
    ProviderAlone(
            OffloadProvider provider, Map<String, String> settings, int[] ifindexes, int connections, int listLength)
            throws Exception {
        this.provider = provider;
        this.listLength = listLength;
        for (int i = 0; i < ports.length; i++) {
            ports[i] = new PortRef(i + 1, i + 1, "p" + (i + 1), "br0", i + 1, "system", ifindexes[i], 0, 1500);
        }
        provider.init(new Context(settings));
        paths = new Path[2 * connections];
        for (int n = 0; n < connections; n++) {
            paths[2 * n] = path(n, Direction.ORIGINAL);
            paths[2 * n + 1] = path(n, Direction.REPLY);
            provider.connAdd(connection(n));
        }
    }

    private Path path(int n, Direction direction) {
        boolean reply = direction == Direction.REPLY;
        return new Path(
                2L * n + (reply ? 2 : 1),
                n + 1,
                direction,
                ports[reply ? 1 : 0],
                reply ? answer(n) : request(n),
                GUARD,
                ports[reply ? 0 : 1],
                reply ? turned(request(n)) : turned(answer(n)),
                REWRITES);
    }

    private static TupleView request(int n) {
        return tuple(FIRST_CLIENT + n / PORTS, FIRST_PORT + n % PORTS, SERVER, 53);
    }

    private static TupleView answer(int n) {
        return tuple(SERVER, 53, FIRST_OUTSIDE + n / PORTS, FIRST_PORT + n % PORTS);
    }

    private static TupleView turned(TupleView t) {
        return tuple(
                /* source= */ t.destinationLow(),
                /* sourcePort= */ t.destinationPort(),
                /* destination= */ t.sourceLow(),
                /* destinationPort= */ t.sourcePort());
    }

    private static TupleView tuple(long source, int sourcePort, long destination, int destinationPort) {
        return new TupleView(false, UDP, 0, source, 0, destination, sourcePort, destinationPort, 0, 0, 0);
    }

    private ConnView connection(int n) {
        return new ConnView(n + 1, 0, UDP, request(n), answer(n), 0, 0, 0, ports[0], ports[1]);
    }

    void put() {
        inLists(OffloadOperation.PathPut::new, OffloadResult.ACCEPT::equals);
    }

    void readStatistics() {
        inLists(OffloadOperation.PathStats::new, OffloadResult.Carried.class::isInstance);
    }

    void delete() {
        inLists(
                (connection, path) -> new OffloadOperation.PathDel(connection, path, PathEnd.RULES_CHANGED),
                OffloadResult.Carried.class::isInstance);
    }

    private void inLists(Making making, Predicate<OffloadResult> isRight) {
        List<OffloadOperation> list = new ArrayList<>(listLength);
        for (int from = 0; from < paths.length; from += listLength) {
            list.clear();
            for (int i = from; i < Math.min(paths.length, from + listLength); i++) {
                list.add(making.of(connection((int) paths[i].connectionId() - 1), paths[i]));
            }
            for (OffloadResult result : provider.operate(list)) {
                if (!isRight.test(result)) {
                    throw new IllegalStateException(result.toString());
                }
            }
        }
    }

    List<String> describe() {
        return provider.describe();
    }

    @Override
    public void close() throws Exception {
        provider.close();
    }

    /** A switch whose ports can be filtered, and that wants to know nothing. */
    private record Context(Map<String, String> settings) implements ProviderContext {
        @Override
        public long wallMs() {
            return System.currentTimeMillis();
        }

        @Override
        public int threads() {
            return 1;
        }

        @Override
        public @Nullable String filterReceived(long portId, int programFd) {
            return null;
        }
    }
}
