package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.PathDel;
import io.turnstile.offload.spi.OffloadOperation.PathPut;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast paths come and go in lists as the switch hands them in, what a sweep over all of them takes, and what they
 * cost. As root, {@code java … PathsBenchmark [PATHS]}.
 */
final class PathsBenchmark {
    private static final int LIST = 64;
    private static final int ROUNDS = 3;

    private PathsBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        int length = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 500_000;
        try (Lab lab = new Lab();
                HandMadeSwitch middle = new HandMadeSwitch(lab)) {
            Lab.at(lab.middle, () -> {
                EbpfProvider provider = new EbpfProvider();
                provider.init(middle);
                try {
                    for (int round = 1; round <= ROUNDS; round++) {
                        run(provider, middle, length, (long) round * length);
                    }
                } finally {
                    provider.close();
                }
                return null;
            });
        }
    }

    private static void run(EbpfProvider provider, HandMadeSwitch middle, int length, long firstId) throws Exception {
        List<OffloadOperation> puts = new ArrayList<>(length);
        List<OffloadOperation> deletes = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
            TupleView tuple =
                    new TupleView(false, 6, 0, 0x0a000000L + (i >>> 8), 0, 0x0b000001, 1024 + (i & 0xff), 80, 0, 0, 0);
            ConnView connection = new ConnView(firstId + i, 0, 6, tuple, tuple, 0, 0, 0, PortRef.GONE, PortRef.GONE);
            TupleView leaving = new TupleView(
                    false, 6, 0, 0x0a000000L + (i >>> 8), 0, 0x0c000001, 1024 + (i & 0xff), 8080, 0, 0, 0);
            Path path = new Path(
                    firstId + i,
                    firstId + i,
                    Direction.ORIGINAL,
                    middle.ports.get(0),
                    tuple,
                    List.of(HeaderBits.exactly(HeaderField.NW_TTL, 64)),
                    middle.ports.get(1),
                    leaving,
                    List.of(
                            HeaderBits.exactly(HeaderField.NW_TTL, 63),
                            HeaderBits.exactly(HeaderField.ETH_DST, 0x020000000002L)));
            puts.add(new PathPut(connection, path));
            deletes.add(new PathDel(connection, path, PathEnd.RULES_CHANGED));
        }
        long slabKib = slabKib();
        long beganNs = System.nanoTime();
        operate(provider, puts);
        long putNs = System.nanoTime() - beganNs;
        long slabTakenKib = slabKib() - slabKib;
        List<String> lines = provider.describe();
        beganNs = System.nanoTime();
        provider.sweepNow();
        long sweepNs = System.nanoTime() - beganNs;
        beganNs = System.nanoTime();
        operate(provider, deletes);
        long deleteNs = System.nanoTime() - beganNs;
        System.out.printf(
                "%d paths in lists of %d: %.0f puts/s, %.0f deletes/s; a sweep %.1f ms; %d bytes of slab a path%n",
                length,
                LIST,
                length * 1e9 / putNs,
                length * 1e9 / deleteNs,
                sweepNs / 1e6,
                slabTakenKib * 1024 / length);
        lines.forEach(line -> System.out.println("  " + line));
    }

    private static void operate(EbpfProvider provider, List<OffloadOperation> operations) {
        for (int from = 0; from < operations.size(); from += LIST) {
            for (OffloadResult result :
                    provider.operate(operations.subList(from, Math.min(operations.size(), from + LIST)))) {
                if (result != OffloadResult.ACCEPT && !(result instanceof OffloadResult.Carried)) {
                    throw new IllegalStateException(result.toString());
                }
            }
        }
    }

    private static long slabKib() throws Exception {
        return Files.readAllLines(java.nio.file.Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("SUnreclaim:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .sum();
    }
}
