package io.turnstile.path;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.Upcall;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PathKeeperTest {
    private static final Frame REQUEST =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:80").payload("hello");

    private final ManualClock clock = new ManualClock();
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
    private final Datapath datapath = new Datapath(tracker, clock);
    private final ForwardingContext context = datapath.newContext();
    private final RecordingBook book = new RecordingBook();
    private final Firewall firewall = new Firewall();
    private final PathKeeper keeper = new PathKeeper(datapath, tracker, new Directory(), clock);

    /** What comes in by port 1 goes out by port 2 and is committed, and back if it is established. */
    private static final class Firewall implements Upcall {
        final Map<Object, Long> packets = new TreeMap<>();
        final Map<Object, Long> bytes = new TreeMap<>();
        final Map<Object, Long> usedNs = new TreeMap<>();

        @Override
        public Translation miss(Packet packet, long[] key, long nowNs) {
            int inPort = (int) Field.IN_PORT.get(key);
            boolean established = (Field.CT_STATE.get(key) & CtState.EST) != 0;
            if (Field.RECIRC_ID.get(key) == 0) {
                return translation(
                        "track " + inPort,
                        List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.NW_TTL),
                        new DatapathAction.PushVlan(0x8100, 0x1005),
                        new DatapathAction.PopVlan(),
                        new DatapathAction.Ct(CtRequest.lookup(0)),
                        new DatapathAction.Recirculate(1));
            }
            List<Field> looked = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.CT_STATE, Field.CT_MARK);
            DatapathAction output = new DatapathAction.Output(3 - inPort);
            return established
                    ? translation("out " + inPort, looked, output)
                    : translation("new " + inPort, looked, new DatapathAction.Ct(CtRequest.commit(0)), output);
        }

        private static Translation translation(Object owner, List<Field> fields, DatapathAction... actions) {
            long[] mask = FlowKey.newKey();
            fields.forEach(field -> field.setExact(mask));
            return new Translation(Arrays.copyOf(mask, FlowKey.DATAPATH_WORDS), actions, true, owner);
        }

        @Override
        public @Nullable Translation translateAnew(long[] key, long nowNs) {
            return null;
        }

        @Override
        public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {}

        @Override
        public boolean isCurrent(Translation translation) {
            return true;
        }

        @Override
        public void flowInstalled(DatapathFlow flow) {}

        @Override
        public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {
            packets.merge(flow.owner(), packetsDelta, Long::sum);
            bytes.merge(flow.owner(), bytesDelta, Long::sum);
            usedNs.put(flow.owner(), lastUsedNs);
        }

        @Override
        public void flowRemoved(DatapathFlow flow) {}
    }

    private final class Directory implements PortDirectory {
        @Override
        public PortRef port(int number) {
            var entry = datapath.portEntry(number);
            return entry == null
                    ? PortRef.GONE
                    : new PortRef(entry.id(), number, "p" + number, null, -1, "dummy", 0, 0, 0);
        }

        @Override
        public List<PortRef> ports() {
            return List.of();
        }
    }

    PathKeeperTest() {
        datapath.setUpcall(firewall);
        datapath.setWalkWatcher(keeper);
        datapath.addPort(new DummyPort("p1"), 1);
        datapath.addPort(new DummyPort("p2"), 2);
        keeper.setBook(book);
    }

    private void receive(int port, Frame frame) {
        Packet packet = frame.packet();
        packet.setInPort(port);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        datapath.process(batch, context);
        keeper.drain();
    }

    /** Both directions are established and have their paths. */
    private void converse() {
        receive(1, REQUEST);
        receive(2, REQUEST.reply());
        receive(1, REQUEST);
    }

    @Test
    void bothDirectionsAreOfferedOnceTheyAreEstablished() {
        receive(1, REQUEST);
        assertThat(book.log).isEmpty();
        receive(2, REQUEST.reply());
        receive(2, REQUEST.reply());
        receive(1, REQUEST);

        assertThat(book.log).containsExactly("offer reply", "offer original");
        var offer = book.offers.getLast().offer;
        assertThat(offer.guard()).hasToString("[vlan_tci=0x0/0x1fff, nw_ttl=0x40]");
        assertThat(offer.rewrites()).isEmpty();
        assertThat(offer.ingress()).hasToString("p1(1)");
        assertThat(offer.egress()).hasToString("p2(2)");
        assertThat(offer.arriving())
                .isEqualTo(offer.leaving())
                .hasToString("src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=80");
        assertThat(offer.user().isCurrent()).isTrue();
    }

    @Test
    void whatTheHeapHasNoRoomForIsRefusedUntilAnotherPathHasGone() {
        PathKeeper small = new PathKeeper(datapath, tracker, new Directory(), clock, 1);
        small.setBook(book);
        datapath.setWalkWatcher(small);
        receive(1, REQUEST);
        receive(2, REQUEST.reply());
        receive(2, REQUEST.reply());
        small.drain();
        receive(1, REQUEST);
        small.drain();
        String refused = "refuse original: as many paths as the heap has room for, again";
        assertThat(book.log).containsExactly("offer reply", refused);

        datapath.invalidate(flow -> flow.owner().equals("track 2"));
        receive(1, REQUEST);
        small.drain();
        assertThat(book.log).containsExactly("offer reply", refused, "withdraw reply: rules changed", "offer original");
    }

    @Test
    void nobodyIsAskedWhileNobodyCarries() {
        book.asked = false;
        converse();
        assertThat(book.log).isEmpty();
    }

    @Test
    void aKilledFlowTakesItsPathsBackAndIsWaitedFor() {
        converse();
        book.log.clear();
        book.endsAtOnce = false;
        book.whileAwaited = () -> book.offers.forEach(RecordingBook.Offered::end);
        datapath.invalidate(flow -> flow.owner().equals("track 1"));
        assertThat(book.log).containsExactly("withdraw original: rules changed");
        assertThat(book.offers.getLast().offer.user().isCurrent()).isFalse();

        datapath.awaitQuiescence();
        assertThat(book.log).containsExactly("withdraw original: rules changed", "await 1");

        datapath.awaitQuiescence();
        assertThat(book.log).as("nothing is awaited any more").hasSize(2);
    }

    @Test
    void whoDoesNotGiveBackIsWaitedForOnce() {
        converse();
        book.log.clear();
        book.endsAtOnce = false;
        datapath.invalidate(flow -> true);
        datapath.awaitQuiescence();
        datapath.awaitQuiescence();
        assertThat(book.log)
                .containsExactlyInAnyOrder(
                        "withdraw original: rules changed", "withdraw reply: rules changed", "await 2");
    }

    @Test
    void aPathIsMadeAnewWhenItWasTakenBack() {
        converse();
        datapath.invalidate(flow -> true);
        book.log.clear();
        receive(1, REQUEST);
        assertThat(book.log).containsExactly("offer original");
    }

    @Test
    void aFlowThatDiesBeforeTheOfferIsNotOffered() {
        converse();
        datapath.invalidate(flow -> true);
        book.log.clear();
        Packet packet = REQUEST.packet();
        packet.setInPort(1);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        datapath.process(batch, context);
        datapath.invalidate(flow -> flow.owner().equals("out 1"));
        keeper.drain();
        assertThat(book.log).containsExactly("refuse original: rules changed meanwhile, again");
    }

    @Test
    void aFlowThatDiesDuringTheOfferFindsThePath() throws InterruptedException {
        book.beforeOffer = () -> {
            // Another thread: the path's lock is held, so that it has to wait for the offer.
            Thread killer = Thread.ofPlatform().start(() -> datapath.invalidate(flow -> true));
            threads.add(killer);
        };
        receive(1, REQUEST);
        receive(2, REQUEST.reply());
        for (Thread killer : threads) {
            killer.join();
        }
        assertThat(book.log).containsExactly("offer reply", "withdraw reply: rules changed");
    }

    private final List<Thread> threads = new ArrayList<>();

    @Test
    void aRemovedPortTakesItsPathsBack() {
        converse();
        book.log.clear();
        book.endsAtOnce = false;
        book.whileAwaited = () -> book.offers.forEach(RecordingBook.Offered::end);
        datapath.removePort(2);
        assertThat(book.log)
                .containsExactlyInAnyOrder("withdraw original: port gone", "withdraw reply: port gone", "await 2")
                .last()
                .isEqualTo("await 2");
        assertThat(book.offers.getFirst().offer.user().isCurrent()).isFalse();
    }

    @Test
    void anIdleFlowWithdrawsItsPaths() {
        converse();
        book.log.clear();
        clock.advance(Duration.ofSeconds(11));
        datapath.maintain(clock.nowNs());
        assertThat(book.log)
                .containsExactlyInAnyOrder("withdraw original: rules changed", "withdraw reply: rules changed");
    }

    @Test
    void whatIsCarriedKeepsFlowsAndIsCounted() {
        converse();
        datapath.pushStatistics();
        long packetsBefore = firewall.packets.get("out 1");
        long bytesBefore = firewall.bytes.get("out 1");
        clock.advance(Duration.ofSeconds(9));
        long usedNs = clock.nowNs();
        book.offers.getLast().offer.user().carried(7, 700, usedNs);
        book.log.clear();
        clock.advance(Duration.ofSeconds(9));
        datapath.maintain(clock.nowNs());

        assertThat(book.log).containsExactly("withdraw reply: rules changed");
        assertThat(firewall.packets.get("out 1")).isEqualTo(packetsBefore + 7);
        assertThat(firewall.bytes.get("out 1")).isEqualTo(bytesBefore + 700);
        assertThat(firewall.usedNs.get("track 1")).isEqualTo(usedNs);
        DatapathFlow flow = datapath.flows().stream()
                .filter(each -> each.owner().equals("out 1"))
                .findFirst()
                .orElseThrow();
        assertThat(flow.carriedPackets()).isEqualTo(7);
        assertThat(flow.carriedBytes()).isEqualTo(700);
    }

    @Test
    void lastPacketsOfAFlowThatIsGoneAreCredited() {
        converse();
        var user = book.offers.getLast().offer.user();
        datapath.invalidate(flow -> true);
        long before = firewall.packets.get("out 1");
        user.carried(3, 300, clock.nowNs());
        assertThat(firewall.packets.get("out 1")).isEqualTo(before + 3);
    }

    @Test
    void aUseOfWhichNobodyKnowsHowMuchKeepsFlows() {
        converse();
        datapath.pushStatistics();
        clock.advance(Duration.ofSeconds(9));
        book.offers.getLast().offer.user().carried(0, 0, clock.nowNs());
        assertThat(firewall.usedNs.get("out 1")).isEqualTo(clock.nowNs());
        assertThat(firewall.usedNs.get("track 1")).isEqualTo(clock.nowNs());
    }

    @Test
    void aWalkIsNotCurrentOnceAMarkThatItsFlowsLookAtIsAnother() {
        converse();
        var user = book.offers.getLast().offer.user();
        assertThat(user.isCurrent()).isTrue();
        Packet packet = REQUEST.packet();
        PacketParser.parse(packet);
        packet.setInPort(1);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        tracker.track(batch, new CtRequest(0, true, false, 5, -1, 0, 0, 0, 0), clock.nowNs());
        assertThat(user.isCurrent()).isFalse();
    }

    @Test
    void aWalkIsNotCurrentOnceItsConnectionHasGone() {
        converse();
        var user = book.offers.getLast().offer.user();
        tracker.flush(null, clock.nowNs());
        assertThat(user.isCurrent()).isFalse();
    }

    @Test
    void anEndedPathIsForgotten() {
        converse();
        List<DatapathFlow> flows = datapath.flows();
        assertThat(flows).filteredOn(keeper::isFollowed).hasSize(4);
        book.offers.forEach(RecordingBook.Offered::end);
        assertThat(flows).noneMatch(keeper::isFollowed);
    }

    @Test
    void anOfferThatFailsIsRefused() {
        book.beforeOffer = () -> {
            throw new IllegalStateException("a test's");
        };
        receive(1, REQUEST);
        receive(2, REQUEST.reply());
        assertThat(book.log).containsExactly("refuse reply: could not be summed up, see the log");
        assertThat(datapath.flows()).noneMatch(keeper::isFollowed);
    }

    @Test
    void anErrorAboutAConnectionIsNoPacketOfIt() {
        book.asked = false;
        converse();
        book.asked = true;
        receive(2, Frames.portUnreachable("10.0.0.2 > 10.0.0.1", REQUEST.bytes()));
        assertThat(book.log).isEmpty();
        receive(2, REQUEST.reply());
        assertThat(book.log).containsExactly("offer reply");
    }
}
