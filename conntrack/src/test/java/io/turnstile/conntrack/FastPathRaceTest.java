package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.OriginalTuple;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Lookups that read a connection without its lock (a settled connection whose deadline is today's already: time stands
 * still here) while others write its mark and label, turn it round, or put another connection into its slot.
 */
class FastPathRaceTest {
    private static final String THERE = "10.0.0.1:1000 > 10.0.0.2:2000";
    private static final String BACK = "10.0.0.2:2000 > 10.0.0.1:1000";
    private static final String OTHERS = "10.0.0.3:3000 > 10.0.0.4:4000";
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final int ESTABLISHED_REPLY = CtState.TRK | CtState.EST | CtState.RPL;
    private static final int STEPS = 60;
    private static final int VALUES = 16;

    private final ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), 100);
    private final CtRequest[] writings = new CtRequest[VALUES];

    /** A batch of equal packets: all but the first are looked up by what the first has found. */
    private static final class Sender {
        final PacketBatch batch = new PacketBatch();

        Sender(String sourceToDestination) {
            for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                batch.add(udp(sourceToDestination).packet());
            }
        }

        void send(ConnectionTracker tracker, CtRequest request, int length) {
            batch.shorten(length);
            for (int i = 0; i < length; i++) {
                batch.get(i).clearConntrack();
            }
            tracker.track(batch, request, 0);
        }
    }

    FastPathRaceTest() {
        for (int i = 0; i < VALUES; i++) {
            long half = (i + 1) * 0x1111_1111_1111_1111L;
            writings[i] = new CtRequest(0, true, false, (int) half, -1, half, half, -1, -1);
        }
    }

    private void establish() {
        tracker.flush(null, 0);
        new Sender(THERE).send(tracker, CtRequest.commit(0), 1);
        new Sender(BACK).send(tracker, LOOK, 1);
    }

    @Test
    void markAndLabelAreNeverOfTwoWritings() throws Exception {
        Sender[] readers = {new Sender(THERE), new Sender(BACK)};
        Sender writer = new Sender(THERE);
        int[] changes = new int[1];
        Race.run(
                this::establish,
                () -> {},
                round -> {
                    for (int step = 0; step < STEPS * 8; step++) {
                        writer.send(tracker, writings[step % VALUES], 1);
                    }
                },
                round -> {
                    long before = -1;
                    for (int step = 0; step < STEPS; step++) {
                        Sender reader = readers[step % 2];
                        reader.send(tracker, LOOK, PacketBatch.CAPACITY);
                        for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                            Packet packet = reader.batch.get(i);
                            if (packet.ctLabelHigh() != packet.ctLabelLow()
                                    || packet.ctMark() != (int) packet.ctLabelLow()) {
                                fail(
                                        "mark %x, label %x %x",
                                        packet.ctMark(), packet.ctLabelHigh(), packet.ctLabelLow());
                            }
                            changes[0] += packet.ctLabelLow() == before ? 0 : 1;
                            before = packet.ctLabelLow();
                        }
                    }
                });
        assertThat(changes[0]).as("values that were seen to follow each other").isPositive();
    }

    @Test
    void stateIsOfOneMomentWhileTheConnectionIsTurnedRound() throws Exception {
        Sender reader = new Sender(THERE);
        Sender there = new Sender(THERE);
        Sender back = new Sender(BACK);
        CtRequest force = new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0);
        Race.run(
                this::establish,
                () -> {},
                round -> {
                    Random random = new Random(round);
                    for (int step = 0; step < STEPS * 4; step++) {
                        Sender first = random.nextBoolean() ? there : back;
                        first.send(tracker, force, 1);
                        if (random.nextInt(4) != 0) {
                            (first == there ? back : there).send(tracker, LOOK, 1);
                        }
                    }
                },
                round -> {
                    for (int step = 0; step < STEPS; step++) {
                        reader.send(tracker, LOOK, PacketBatch.CAPACITY);
                        for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                            int state = reader.batch.get(i).ctState();
                            if (state != (CtState.TRK | CtState.NEW) && (state | CtState.RPL) != ESTABLISHED_REPLY) {
                                fail(
                                        "state %s in step %d of round %d",
                                        TrackerFixture.state(reader.batch.get(i)), step, round);
                            }
                        }
                    }
                });
    }

    @Test
    void aSlotUsedAgainIsNotTakenForWhatItWas() throws Exception {
        Sender reader = new Sender(THERE);
        Sender own = new Sender(THERE);
        Sender ownReply = new Sender(BACK);
        Sender others = new Sender(OTHERS);
        Sender othersReply = new Sender("10.0.0.4:4000 > 10.0.0.3:3000");
        Race.run(
                () -> tracker.flush(null, 0),
                () -> assertThat(tracker.table().entries.end()).isEqualTo(1),
                round -> {
                    for (int step = 0; step < STEPS * 2; step++) {
                        own.send(tracker, writings[0], 1);
                        ownReply.send(tracker, LOOK, 1);
                        tracker.flush(null, 0);
                        others.send(tracker, writings[1], 1);
                        othersReply.send(tracker, LOOK, 1);
                        tracker.flush(null, 0);
                    }
                },
                round -> {
                    for (int step = 0; step < STEPS; step++) {
                        reader.send(tracker, LOOK, PacketBatch.CAPACITY);
                        for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                            isOwn(reader.batch.get(i));
                        }
                    }
                });
    }

    private void isOwn(Packet packet) {
        OriginalTuple tuple = packet.ctOriginal();
        long half = packet.ctConnection() == Conntrack.NO_CONNECTION ? 0 : writings[0].labelHigh();
        if (tuple.sourceLow != 0x0a00_0001L
                || tuple.sourcePort != 1000
                || tuple.destinationPort != 2000
                || packet.ctMark() != (int) half
                || packet.ctLabelHigh() != half
                || packet.ctLabelLow() != half) {
            fail(
                    "connection %x: source %x:%d, mark %x, label %x %x",
                    packet.ctConnection(),
                    tuple.sourceLow,
                    tuple.sourcePort,
                    packet.ctMark(),
                    packet.ctLabelHigh(),
                    packet.ctLabelLow());
        }
    }
}
