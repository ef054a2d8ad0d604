package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.time.Clock;
import java.util.List;

/**
 * What the loop itself costs per packet, with ports in memory and a tracker that only marks. Run by hand, alone on the
 * machine: {@code java -cp … io.turnstile.datapath.ForwardingBenchmark}. Copying the frame into its buffer is included.
 */
final class ForwardingBenchmark {
    private static final int BATCH = 32;
    private static final int BATCHES = 100_000;
    private static final int ROUNDS = 5;
    private static final List<Field> LOOKED_AT =
            List.of(Field.IN_PORT, Field.RECIRC_ID, Field.CT_STATE, Field.ETH_TYPE);

    private ForwardingBenchmark() {}

    public static void main(String[] arguments) {
        measure("exact-match hit, output, 8 connections", 8, new Output(1));
        measure("exact-match hit, output, 4096 connections", 4096, new Output(1));
        measure("megaflow hit, output, 60000 connections", 60_000, new Output(1));
        measure(
                "exact-match hit, set source and port, output",
                8,
                new SetField(Field.NW_SRC, 0, 1, 0, 0xffff_ffffL),
                new SetField(Field.TP_SRC, 0, 1, 0, 0xffff),
                new Output(1));
        measure(
                "hit, ct, recirculation, hit, output, 8 connections",
                8,
                new Ct(CtRequest.lookup(0)),
                new Recirculate(1));
        measure(
                "hit, ct, recirculation, hit, output, 4096 connections",
                4096,
                new Ct(CtRequest.lookup(0)),
                new Recirculate(1));
    }

    private static void measure(String what, int connections, DatapathAction... actions) {
        RecordingConntrack conntrack = new RecordingConntrack();
        conntrack.remembering = false;
        Datapath datapath = new Datapath(conntrack, Clock.system());
        byte[][] frames = new byte[connections][];
        for (int i = 0; i < connections; i++) {
            frames[i] = UdpFrame.of(i, 80);
        }
        MemoryPort in = new MemoryPort("in").delivering(frames).endless();
        datapath.addPort(in, 0);
        datapath.addPort(new MemoryPort("out").endless(), 1);
        datapath.setUpcall(new ScriptedUpcall(key -> translation(
                "flow", LOOKED_AT, Field.RECIRC_ID.get(key) == 0 ? actions : new DatapathAction[] {new Output(1)})));
        ForwardingContext context = datapath.newContext();
        double best = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            for (int i = 0; i < BATCHES; i++) {
                datapath.receiveAndProcess(0, in, context);
            }
            best = Math.min(best, (System.nanoTime() - start) / (double) BATCHES / BATCH);
        }
        System.out.printf("%-55s %6.1f ns per packet%n", what, best);
    }
}
