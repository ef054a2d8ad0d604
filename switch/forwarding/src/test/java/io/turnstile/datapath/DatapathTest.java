package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.CtClear;
import io.turnstile.datapath.DatapathAction.Drop;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.PopVlan;
import io.turnstile.datapath.DatapathAction.PushVlan;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.datapath.DatapathAction.Userspace;
import io.turnstile.datapath.Upcall.Translation;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The loop from receive to send, with a scripted pipeline. */
@Timeout(30)
class DatapathTest {
    private static final List<Field> BY_PORT = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.TP_DST);
    private static final DatapathAction[] NOTHING = {};

    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 5_000_000_000L, 0);
    private final RecordingConntrack conntrack = new RecordingConntrack();
    private final Datapath datapath = new Datapath(conntrack, clock);
    private final MemoryPort in = new MemoryPort("in");
    private final MemoryPort out = new MemoryPort("out");
    private final MemoryPort other = new MemoryPort("other");
    private final ForwardingContext context = datapath.newContext();
    private ScriptedUpcall upcall;

    DatapathTest() {
        datapath.addPort(in, 1);
        datapath.addPort(out, 2);
        datapath.addPort(other, 3);
    }

    private void script(Function<long[], Translation> script) {
        upcall = new ScriptedUpcall(script);
        datapath.setUpcall(upcall);
    }

    private void receive(byte[]... frames) {
        in.delivering(frames);
        for (int left = frames.length; left > 0; ) {
            left -= datapath.receiveAndProcess(1, in, context);
        }
    }

    private static byte[][] frames(int destinationPort, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> UdpFrame.of(i, destinationPort))
                .toArray(byte[][]::new);
    }

    @Test
    void aFlowIsTranslatedOnceAndForwardsInOrder() {
        script(key -> translation("A", BY_PORT, new Output(2)));
        receive(frames(80, 100));

        assertThat(upcall.misses).hasValue(1);
        assertThat(out.sent)
                .extracting(UdpFrame::sourcePort)
                .containsExactlyElementsOf(IntStream.range(0, 100).boxed().toList());
        assertThat(out.flushes).as("one flush a batch: 32 + 32 + 32 + 4").isEqualTo(4);
        assertThat(datapath.statistics()).isEqualTo(new Datapath.Statistics(99, 1, 0, 1, 1));
    }

    @Test
    void countersAreExactAndReachTheOwnerOnce() {
        script(key -> translation(Field.TP_DST.get(key), BY_PORT, new Output(2)));
        receive(frames(80, 40));
        receive(frames(81, 2));
        datapath.pushStatistics();
        datapath.pushStatistics();
        assertThat(upcall.packets.get(80L)).hasValue(40);
        assertThat(upcall.bytes.get(80L)).hasValue(40 * UdpFrame.SIZE_BYTES);
        receive(frames(80, 3));
        datapath.invalidate(flow -> true);
        assertThat(upcall.packets.get(80L)).hasValue(43);
        assertThat(upcall.packets.get(81L)).hasValue(2);
        assertThat(upcall.removed).hasValue(2);
    }

    @Test
    void trackingSeesTheBatchOfOneFlowAndPacketsRecirculate() {
        script(key -> Field.RECIRC_ID.get(key) == 0
                ? translation("first", BY_PORT, new Ct(CtRequest.lookup(7)), new Recirculate(5))
                : translation(
                        "second " + Field.CT_STATE.get(key) + " " + Field.CT_ZONE.get(key) + " "
                                + Field.RECIRC_ID.get(key),
                        List.of(Field.RECIRC_ID, Field.CT_STATE),
                        new CtClear(),
                        new Output(2)));
        receive(frames(80, 32));
        assertThat(conntrack.batchLengths).containsExactly(32);
        assertThat(out.sent).hasSize(32);
        datapath.pushStatistics();
        assertThat(upcall.packets.get("second 33 7 5")).hasValue(32);
    }

    @Test
    void packetsOfOneFlowAreTrackedTogetherThoughOthersCameBetween() {
        script(key -> translation("ct", BY_PORT, new Ct(CtRequest.lookup(0)), new Output(2)));
        byte[][] mixed = new byte[10][];
        Arrays.setAll(mixed, i -> UdpFrame.of(i, i % 2));
        receive(mixed);
        assertThat(conntrack.batchLengths).containsExactly(5, 5);
        assertThat(out.sent).extracting(UdpFrame::sourcePort).containsExactly(0, 2, 4, 6, 8, 1, 3, 5, 7, 9);
    }

    @Test
    void whoGoesRoundForEverIsDroppedAfterSixRounds() {
        script(key -> translation("loop", BY_PORT, new Output(3), new Recirculate((int) Field.RECIRC_ID.get(key) + 1)));
        receive(frames(80, 3));
        assertThat(other.sent).as("the first pass and six more").hasSize(3 * 7);
        assertThat(datapath.drops(DropReason.RECIRCULATION_DEPTH)).isEqualTo(3);
    }

    @Test
    void outputSendsTheBytesAsTheyAreThen() {
        script(key -> translation(
                "A",
                BY_PORT,
                new Output(2),
                new SetField(Field.TP_DST, 0, 99, 0, 0xffff),
                new Output(3),
                new PushVlan(0x8100, 0x1005),
                new Output(2),
                new PopVlan(),
                new Output(3)));
        byte[] frame = UdpFrame.of(1, 80);
        receive(frame);
        assertThat(out.sent.get(0)).isEqualTo(frame);
        assertThat(other.sent.get(0)).isEqualTo(UdpFrame.of(1, 99));
        assertThat(out.sent.get(1)).hasSize(frame.length + 4);
        assertThat(other.sent.get(1)).isEqualTo(UdpFrame.of(1, 99));
    }

    @Test
    void everyDropHasItsReason() {
        script(key -> switch ((int) Field.TP_DST.get(key)) {
            case 1 -> translation("empty", BY_PORT, NOTHING);
            case 2 -> translation("named", BY_PORT, new Drop(DropReason.TRANSLATION_TOO_DEEP), new Output(2));
            case 3 -> translation("gone", BY_PORT, new Output(77));
            case 4 -> throw new IllegalStateException("a bug in the pipeline");
            default -> translation("A", BY_PORT, new Output(2));
        });
        receive(
                UdpFrame.of(0, 1),
                UdpFrame.of(0, 2),
                UdpFrame.of(0, 3),
                UdpFrame.of(0, 4),
                UdpFrame.of(0, 5),
                new byte[13]);
        assertThat(datapath.drops(DropReason.FLOW_DROP)).isEqualTo(1);
        assertThat(datapath.drops(DropReason.TRANSLATION_TOO_DEEP)).isEqualTo(1);
        assertThat(datapath.drops(DropReason.NO_OUTPUT_PORT)).isEqualTo(1);
        assertThat(datapath.drops(DropReason.UPCALL_FAILED)).isEqualTo(1);
        assertThat(datapath.drops(DropReason.MALFORMED)).isEqualTo(1);
        assertThat(out.sent)
                .as("what stands beside a failure is forwarded; nothing follows a drop")
                .hasSize(1);
        assertThat(datapath.statistics().lost()).isEqualTo(1);
    }

    @Test
    void aPortThatFailsToSendHarmsNoOther() {
        out.failure = new IllegalStateException("ring is gone");
        script(key -> translation("A", BY_PORT, new Output(Field.TP_DST.get(key) == 80 ? 2 : 3)));
        receive(UdpFrame.of(0, 80), UdpFrame.of(0, 81), UdpFrame.of(1, 80));
        assertThat(datapath.drops(DropReason.ACTION_FAILED)).isEqualTo(2);
        assertThat(other.sent).hasSize(1);
        assertThat(other.flushes).isEqualTo(1);
        datapath.awaitQuiescence(); // The batch has ended although a flush threw.
    }

    @Test
    void theControllersCopyHasTheBytesOfItsPlaceInTheList() {
        script(key -> translation(
                "A", BY_PORT, new SetField(Field.TP_DST, 0, 99, 0, 0xffff), new Userspace("cookie"), new Output(2)));
        receive(UdpFrame.of(1, 80));
        assertThat(upcall.userspace).singleElement().satisfies(seen -> {
            assertThat(seen.cookie()).isEqualTo("cookie");
            assertThat(seen.frame()).isEqualTo(UdpFrame.of(1, 99));
            assertThat(Field.TP_DST.get(seen.key())).isEqualTo(99);
        });
    }

    @Test
    void whatMayNotBeCachedIsAskedEachTimeAndCounted() {
        script(key -> {
            Translation cached = translation("once", BY_PORT, new Output(2));
            return new Translation(cached.mask(), cached.actions(), false, cached.owner());
        });
        receive(frames(80, 5));
        assertThat(upcall.misses).hasValue(5);
        assertThat(datapath.flows()).isEmpty();
        assertThat(upcall.packets.get("once")).hasValue(5);
        assertThat(out.sent).hasSize(5);
    }

    @Test
    void aTranslationOvertakenByAChangeIsUsedForItsPacketOnly() {
        script(key -> translation("A", BY_PORT, new Output(2)));
        upcall.current = false;
        receive(frames(80, 2));
        assertThat(upcall.misses).hasValue(2);
        assertThat(upcall.installed).hasValue(0);
        assertThat(out.sent).hasSize(2);
    }

    @Test
    void beyondTheLimitPacketsAreTranslatedOneByOneUntilIdleFlowsMakeRoom() {
        script(key -> translation("A", BY_PORT, new Output(2)));
        datapath.setFlowLimit(2);
        receive(UdpFrame.of(0, 1), UdpFrame.of(0, 2), UdpFrame.of(0, 3), UdpFrame.of(0, 3));
        assertThat(datapath.flows()).hasSize(2);
        assertThat(upcall.misses).hasValue(4);
        assertThat(out.sent).hasSize(4);
        clock.advance(Duration.ofMillis(101));
        datapath.maintain(clock.nowNs());
        assertThat(datapath.flows()).isEmpty();
    }

    @Test
    void aFlowWithoutPacketsLeavesAfterTenSeconds() {
        script(key -> translation(Field.TP_DST.get(key), BY_PORT, new Output(2)));
        receive(UdpFrame.of(0, 1), UdpFrame.of(0, 2));
        clock.advance(Duration.ofSeconds(6)); // Across the wrap of the clock.
        receive(UdpFrame.of(0, 2));
        clock.advance(Duration.ofMillis(4_001));
        datapath.maintain(clock.nowNs());
        assertThat(datapath.flows()).extracting(DatapathFlow::owner).containsExactly(2L);
        assertThat(upcall.removed).hasValue(1);
        receive(UdpFrame.of(0, 1));
        assertThat(upcall.misses)
                .as("an expired flow is not met in the exact-match cache either")
                .hasValue(3);
    }

    @Test
    void packetOutRunsItsActionsAndGoesRound() {
        script(key -> translation("A", BY_PORT, new Output(3)));
        Packet packet = Packet.copyOf(UdpFrame.of(1, 80));
        datapath.execute(packet, new DatapathAction[] {new Output(2), new Recirculate(9)}, context);
        assertThat(out.sent).hasSize(1);
        assertThat(other.sent).hasSize(1);
        assertThat(other.flushes).isEqualTo(1);
        datapath.execute(Packet.copyOf(new byte[4]), new DatapathAction[] {new Output(2)}, context);
        assertThat(datapath.drops(DropReason.MALFORMED)).isEqualTo(1);
    }

    @Test
    void waitingInsideABatchIsRefusedRatherThanWaitedForEver() {
        script(key -> {
            datapath.awaitQuiescence();
            return translation("A", BY_PORT, new Output(2));
        });
        receive(UdpFrame.of(0, 1));
        assertThat(datapath.drops(DropReason.UPCALL_FAILED)).isEqualTo(1);
    }

    @Test
    void aContextInUseIsRefused() {
        script(key -> {
            datapath.execute(Packet.copyOf(UdpFrame.of(0, 9)), new DatapathAction[] {new Output(2)}, context);
            return translation("A", BY_PORT, new Output(2));
        });
        receive(UdpFrame.of(0, 1));
        assertThat(datapath.drops(DropReason.UPCALL_FAILED)).isEqualTo(1);
        assertThat(out.sent).isEmpty();
    }

    @Test
    void portNumbersAreTheLowestFreeOrAsWanted() {
        assertThat(datapath.addPort(new MemoryPort("a"), -1)).isZero();
        assertThat(datapath.addPort(new MemoryPort("b"), -1)).isEqualTo(4);
        assertThat(datapath.addPort(new MemoryPort("c"), 100)).isEqualTo(100);
        assertThatThrownBy(() -> datapath.addPort(new MemoryPort("d"), 100))
                .isInstanceOf(IllegalArgumentException.class);
        datapath.removePort(2);
        assertThat(datapath.port(2)).isNull();
        assertThat(datapath.ports().keySet()).containsExactly(0, 1, 3, 4, 100);
        assertThat(datapath.receiveAndProcess(2, out, context))
                .as("a port that is gone is not read")
                .isZero();
    }

    @Test
    void aRetiredContextsCountsAreKept() {
        script(key -> translation("A", BY_PORT, new Output(2)));
        receive(frames(80, 10));
        datapath.retire(context);
        assertThat(datapath.statistics().hits()).isEqualTo(9);
        assertThat(datapath.statistics().misses()).isEqualTo(1);
    }

    @Test
    void ofTwoThreadsThatMissAtOnceOneInstalls() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        script(key -> {
            both.countDown();
            awaitQuietly(both);
            return translation("A", BY_PORT, new Output(2));
        });
        Thread second = Thread.ofPlatform().start(() -> {
            PacketBatch batch = new PacketBatch();
            Packet packet = Packet.copyOf(UdpFrame.of(0, 80));
            packet.setInPort(1);
            batch.add(packet);
            datapath.process(batch, datapath.newContext());
        });
        receive(UdpFrame.of(1, 80));
        second.join();
        assertThat(datapath.flows()).hasSize(1);
        assertThat(upcall.installed).hasValue(1);
        assertThat(datapath.flows().get(0).packetCount()).isEqualTo(2);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The batch holds a flow that has just been killed: who waits must wait for the batch, and the next batch must not
     * meet it.
     */
    @Test
    void whoInvalidatesWaitsForTheBatchUnderWayOnly() throws Exception {
        CountDownLatch inBatch = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        script(key -> {
            if (Field.TP_DST.get(key) == 81) {
                inBatch.countDown(); // The first packet's flow has been looked up by now and is not executed yet.
                awaitQuietly(goOn);
            }
            return translation(Field.TP_DST.get(key), BY_PORT, new Output(2));
        });
        receive(UdpFrame.of(0, 80));
        out.sent.clear();
        Thread forwarder = Thread.ofPlatform().start(() -> receive(UdpFrame.of(1, 80), UdpFrame.of(2, 81)));
        assertThat(inBatch.await(10, TimeUnit.SECONDS)).isTrue();
        datapath.invalidate(flow -> flow.owner().equals(80L));
        AtomicInteger sentWhenOver = new AtomicInteger(-1);
        Thread waiter = Thread.ofPlatform().start(() -> {
            datapath.awaitQuiescence();
            sentWhenOver.set(out.sent.size());
        });
        assertThat(waiter.join(Duration.ofMillis(100)))
                .as("it waits while the batch lasts")
                .isFalse();
        goOn.countDown();
        waiter.join();
        forwarder.join();
        assertThat(sentWhenOver).as("the old flow's packet had left").hasValue(2);
        int missesBefore = upcall.misses.get();
        receive(UdpFrame.of(1, 80));
        assertThat(upcall.misses)
                .as("the exact-match cache notices the dead flow")
                .hasValue(missesBefore + 1);
    }

    /** A port that is being read is only let go when that is over: its owner may unmap its ring afterwards. */
    @Test
    void removingAPortWaitsForWhoReadsIt() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        script(key -> translation("A", BY_PORT, new Output(2)));
        in.beforeReceive = () -> {
            reading.countDown();
            awaitQuietly(goOn);
        };
        Thread forwarder = Thread.ofPlatform().start(() -> datapath.receiveAndProcess(1, in, context));
        assertThat(reading.await(10, TimeUnit.SECONDS)).isTrue();
        Thread remover = Thread.ofPlatform().start(() -> datapath.removePort(1));
        assertThat(remover.join(Duration.ofMillis(100))).isFalse();
        goOn.countDown();
        remover.join();
        forwarder.join();
        assertThat(datapath.port(1)).isNull();
    }

    /**
     * Two threads forward; a third changes the answer, invalidates, waits, and from then on counts what is sent by the
     * old one. Packets carry the generation they were sent by in a rewritten port.
     */
    @Test
    void afterInvalidationNoPacketIsForwardedByTheOldFlow() throws Exception {
        AtomicInteger generation = new AtomicInteger(1);
        AtomicInteger oldest = new AtomicInteger(1);
        AtomicInteger stale = new AtomicInteger();
        AtomicBoolean stop = new AtomicBoolean();
        script(key -> translation(
                generation.get(),
                BY_PORT,
                new SetField(Field.TP_DST, 0, generation.get(), 0, 0xffff),
                new Userspace(generation.get())));
        Upcall checking = new Upcall() {
            @Override
            public Translation miss(Packet packet, long[] key, long nowNs) {
                return upcall.miss(packet, key, nowNs);
            }

            @Override
            public @Nullable Translation translateAnew(long[] key, long nowNs) {
                return null;
            }

            @Override
            public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {
                if ((Integer) cookie < oldest.get()) {
                    stale.incrementAndGet();
                }
            }

            @Override
            public boolean isCurrent(Translation translation) {
                return (Integer) translation.owner() == generation.get();
            }

            @Override
            public void flowInstalled(DatapathFlow flow) {}

            @Override
            public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {}

            @Override
            public void flowRemoved(DatapathFlow flow) {}
        };
        datapath.setUpcall(checking);
        AtomicInteger rounds = new AtomicInteger();
        List<Thread> forwarders = IntStream.range(0, 2)
                .mapToObj(i -> Thread.ofPlatform().start(() -> {
                    MemoryPort port = new MemoryPort("p" + i)
                            .delivering(UdpFrame.of(i, 80), UdpFrame.of(i, 81))
                            .endless();
                    int number = datapath.addPort(port, 10 + i);
                    ForwardingContext mine = datapath.newContext();
                    while (!stop.get()) {
                        datapath.receiveAndProcess(number, port, mine);
                        rounds.incrementAndGet();
                    }
                }))
                .toList();
        for (int i = 0; i < 100; i++) {
            int before = rounds.get();
            int now = generation.incrementAndGet();
            datapath.invalidate(flow -> (Integer) flow.owner() < now);
            datapath.awaitQuiescence();
            oldest.set(now);
            while (rounds.get() < before + 4) {
                Thread.onSpinWait();
            }
        }
        stop.set(true);
        for (Thread forwarder : forwarders) {
            forwarder.join();
        }
        assertThat(stale).hasValue(0);
        assertThat(generation).hasValue(101);
    }
}
