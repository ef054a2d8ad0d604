package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.ProviderStatus;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.InitFailingProvider;
import io.turnstile.offload.provider.fault.ThrowingProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What offload providers are told while real packets go through the whole switch: parser, flows, recirculation,
 * tracker, dispatcher. Time begins near the clock's wrap.
 */
class EmbeddedOffloadTest {
    private static final long EPOCH_MS = 1_700_000_000_000L;
    /** Of UDP that was answered, as Open vSwitch's userspace tracker has it. */
    private static final Duration ANSWERED_UDP = Duration.ofSeconds(30);

    private static final int INSIDE = 1;
    private static final int OUTSIDE = 2;
    private static final int DETOUR = 3;

    private final DummyProvider alpha = new DummyProvider("alpha", 200, DummyProvider.DEFAULT_EVENT_LIMIT);
    private final DummyProvider beta = new DummyProvider("beta", 100, DummyProvider.DEFAULT_EVENT_LIMIT);
    private final byte[] query = Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").bytes();
    private final byte[] answer = Frames.udp("10.0.0.2:53 > 10.0.0.1:1000").bytes();
    private EmbeddedSwitch sw;

    private void startWith(OffloadProvider... providers) {
        sw = EmbeddedSwitch.builder()
                .ports(INSIDE, OUTSIDE, DETOUR)
                .providers(providers)
                .clockOrigin(Long.MAX_VALUE - Duration.ofSeconds(20).toNanos(), EPOCH_MS)
                .start();
        sw.deleteFlows();
        sw.flows("""
                ip,ct_state=-trk actions=ct(table=1,zone=7)
                ipv6,ct_state=-trk actions=ct(table=1,zone=7)
                table=1,priority=10,in_port=1,ip,ct_state=+trk+new actions=ct(commit,zone=7,exec(load:5->NXM_NX_CT_MARK[])),2
                table=1,priority=10,in_port=1,ipv6,ct_state=+trk+new actions=ct(commit,zone=7),2
                table=1,priority=10,in_port=1,ct_state=+trk+est actions=2
                table=1,priority=10,ct_state=+trk+est+rpl actions=1
                """);
    }

    @AfterEach
    void atTheEndNobodyHoldsAnything() {
        sw.close();
        assertThat(alpha.held()).isEmpty();
        assertThat(beta.held()).isEmpty();
    }

    private void ask() {
        sw.receive(INSIDE, query);
    }

    private void answer() {
        sw.receive(OUTSIDE, answer);
    }

    private static Frame ping() {
        return Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77).icmpSeq(1).payload(8);
    }

    /** The main bridge's port of that number, as providers know it. */
    private PortRef known(int number) {
        return sw.core().pipeline.switchPorts().port(number);
    }

    // ---- one connection's life, by protocol ----

    @Test
    void udpIsQueriedAddedEstablishedUpdatedAndDeleted() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        sw.advance(ANSWERED_UDP.plusSeconds(5));
        assertThat(sw.offload().takeEventObjects())
                .extracting(OffloadEvent::kind)
                .containsExactly(
                        OffloadEvent.Kind.QUERY,
                        OffloadEvent.Kind.ADD,
                        OffloadEvent.Kind.ESTABLISHED,
                        OffloadEvent.Kind.UPDATE,
                        OffloadEvent.Kind.DELETE);
        assertThat(sw.dumpConnections()).isEmpty();
    }

    @Test
    void dumpedWithOffloadEachLineEndsWithTheStateAtEveryProvider() {
        beta.answerCanOffload(connection -> new Verdict.Decline("not\nthis (one)"));
        startWith(alpha, beta);
        ask();
        String line = "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=53),"
                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1000),id=0,zone=7,status=0,mark=5";
        assertThat(sw.dumpConnectionsWithOffload()).containsExactly(line);
        sw.hwOffload(true);
        assertThat(sw.dumpConnectionsWithOffload())
                .containsExactly(line + ",offload=(alpha:added,beta:declined(not this (one)))");
        answer();
        assertThat(sw.dumpConnectionsWithOffload())
                .containsExactly(line + ",offload=(alpha:established,beta:declined(not this (one)))");
        sw.hwOffload(false);
        assertThat(sw.dumpConnectionsWithOffload()).containsExactly(line);
    }

    @Test
    void pingIsTheSameInBothFamilies() {
        startWith(alpha);
        sw.hwOffload(true);
        sw.receive(INSIDE, ping());
        sw.receive(OUTSIDE, ping().reply());
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "established in=2");
        Frame ping6 = Frames.echoRequest("fd00::1 > fd00::2", 77).icmpSeq(1).payload(8);
        sw.receive(INSIDE, ping6);
        sw.receive(OUTSIDE, ping6.reply());
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "established in=2");
        assertThat(alpha.held()).extracting(ConnView::protocolName).containsExactly("icmp", "icmpv6");
        assertThat(alpha.held().getLast().original().source()).isEqualTo("fd00::1");
    }

    @Test
    void tcpIsAddedBySynEstablishedByTheHandshakesEndAndDeletedSoonAfterReset() {
        startWith(alpha);
        sw.hwOffload(true);
        Frame syn = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").syn().seq(100);
        sw.receive(INSIDE, syn);
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1");
        sw.receive(OUTSIDE, syn.reply());
        assertThat(sw.takeOffloadEvents()).isEmpty();
        sw.receive(INSIDE, syn.reply().reply());
        assertThat(sw.takeOffloadEvents()).containsExactly("established in=2");
        sw.advance(Duration.ofMinutes(10));
        assertThat(sw.takeOffloadEvents()).isEmpty();
        sw.receive(INSIDE, syn.reply().reply().segment("[R.]"));
        assertThat(sw.takeOffloadEvents()).containsExactly("changed tcp");
        sw.advance(Duration.ofMinutes(1));
        assertThat(sw.takeOffloadEvents()).last().isEqualTo("del expired");
    }

    // ---- the context of an event ----

    @Test
    void eventsCarryIdentityTuplesZoneMarkAndBothPorts() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        List<OffloadEvent> events = sw.offload().takeEventObjects();
        assertThat(events)
                .extracting(event -> event.connection().id())
                .containsOnly(events.getFirst().connection().id());
        assertThat(events).allSatisfy(event -> {
            assertThat(event.connection())
                    .hasToString("udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=53),"
                            + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1000),zone=7");
            assertThat(event.connection().mark()).isEqualTo(5);
            assertThat(event.connection().originalIngress()).isEqualTo(known(INSIDE));
        });
        assertThat(events.get(1).connection().replyIngress()).isNull();
        assertThat(events.get(2).operation())
                .isInstanceOfSatisfying(
                        OffloadOperation.Established.class,
                        established -> assertThat(established.replyIngress()).isEqualTo(known(OUTSIDE)));
    }

    @Test
    void theReplyPortIsTheOneWhereTheFirstReplyCameIn() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        sw.receive(DETOUR, answer);
        answer();
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "established in=3");
    }

    @Test
    void packetsThatAreNotCommittedTellNobody() {
        startWith(alpha);
        sw.hwOffload(true);
        answer(); // from outside: new, but no flow commits it
        sw.receive(INSIDE, Frames.arpRequest("0.0.0.1 > 0.0.0.2"));
        assertThat(sw.offload().takeEventObjects()).isEmpty();
    }

    // ---- established, exactly once ----

    @Test
    void establishedComesOnceHoweverManyPacketsFollow() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        for (int i = 0; i < 50; i++) {
            answer();
            ask();
        }
        sw.advance(Duration.ofSeconds(2));
        answer();
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "established in=2");
    }

    @Test
    void untilTheProviderCoversBothDirectionsEachReplyAsksAgain() {
        startWith(alpha);
        sw.hwOffload(true);
        alpha.answerEstablished(connection -> false);
        ask();
        answer();
        answer();
        alpha.answerEstablished(connection -> true);
        answer();
        answer();
        assertThat(sw.takeOffloadEvents())
                .containsExactly("add in=1", "established in=2", "established in=2", "established in=2");
    }

    @Test
    void withoutReplyThereIsNoEstablished() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        ask();
        sw.advance(Duration.ofSeconds(70));
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "update in=1", "del expired");
    }

    // ---- deadlines ----

    @Test
    void aConnectionThatTheProviderCarriesLives() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        alpha.answerLastUsed(connection -> sw.clock().wallMs());
        sw.advance(Duration.ofMinutes(5));
        assertThat(sw.dumpConnections()).hasSize(1);
        assertThat(sw.takeOffloadEvents()).contains("update in=1").doesNotContain("del expired");
        alpha.answerLastUsed(connection -> 0);
        sw.advance(ANSWERED_UDP.plusSeconds(1));
        assertThat(sw.takeOffloadEvents()).last().isEqualTo("del expired");
        assertThat(sw.dumpConnections()).isEmpty();
    }

    @Test
    void anAnswerExtendsTheDeadlineByTheTimeoutFromThatUse() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        alpha.answerLastUsed(connection -> EPOCH_MS + 20_000);
        sw.advance(Duration.ofSeconds(31)); // asked at the deadline
        assertThat(sw.dumpConnections()).singleElement().asString().contains("timeout=19"); // 20 s + 30 s - 31 s
        sw.advance(Duration.ofSeconds(18));
        assertThat(sw.dumpConnections()).hasSize(1);
        sw.advance(Duration.ofSeconds(2));
        assertThat(sw.dumpConnections()).isEmpty();
    }

    // ---- taken back ----

    @Test
    void flushTellsBeforeItReturns() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        assertThat(sw.flushConnections(8)).isZero();
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1");
        assertThat(sw.flushConnections(7)).isEqualTo(1);
        assertThat(sw.takeOffloadEvents()).containsExactly("del flushed");
        ask();
        assertThat(sw.flushConnections()).isEqualTo(1);
        assertThat(sw.takeOffloadEvents()).containsExactly("add in=1", "del flushed");
        assertThat(alpha.held()).isEmpty();
    }

    @Test
    void theSameTupleAfterAFlushIsAnotherConnection() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        long first = alpha.held().getFirst().id();
        sw.flushConnections();
        ask();
        assertThat(alpha.held())
                .singleElement()
                .satisfies(connection -> assertThat(connection.id()).isNotEqualTo(first));
    }

    @Test
    void turningOffTakesEverythingBackAndPacketsGoOn() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        sw.takeOffloadEvents();
        sw.hwOffload(false);
        assertThat(sw.takeOffloadEvents()).containsExactly("del provider leaving");
        assertThat(alpha.held()).isEmpty();
        sw.takeSentBytes(OUTSIDE);
        ask();
        assertThat(sw.takeSentBytes(OUTSIDE)).containsExactly(query);
        assertThat(sw.dumpConnections()).hasSize(1);
        assertThat(sw.takeOffloadEvents()).isEmpty();
        assertThat(sw.offload().show()).startsWith("hw-offload: disabled\n");
    }

    @Test
    void turningOnTellsOfWhatIsThereWithBothPorts() {
        startWith(alpha);
        ask();
        answer();
        sw.receive(INSIDE, ping());
        for (int i = 0; i < 5; i++) {
            sw.hwOffload(true);
            assertThat(sw.takeOffloadEvents()).containsExactlyInAnyOrder("add in=1", "established in=2", "add in=1");
            sw.hwOffload(false);
            assertThat(sw.takeOffloadEvents()).containsExactly("del provider leaving", "del provider leaving");
        }
    }

    // ---- ports that come and go ----

    @Test
    void aPortIsKnownByItsBridgeAndItsNumberThere() {
        startWith(alpha);
        assertThat(known(INSIDE).name()).isEqualTo("p1");
        assertThat(known(INSIDE).bridge()).isEqualTo("br0");
        assertThat(known(INSIDE).openFlowNumber()).isEqualTo(INSIDE);
        assertThat(known(INSIDE).kind()).isEqualTo("dummy");
        sw.addBridge("br1", INSIDE);
        assertThat(sw.core().pipeline.switchPorts().ports())
                .filteredOn(port -> "br1".equals(port.bridge()))
                .extracting(PortRef::name, PortRef::openFlowNumber)
                .containsExactlyInAnyOrder(tuple("br1", 65534), tuple("br1-p1", INSIDE));
    }

    /** The number is the same, the port is not. */
    @Test
    void aConnectionWhosePortWentIsNeverSaidToComeInByTheNextPortOfThatNumber() {
        startWith(alpha);
        ask();
        long first = known(INSIDE).id();
        sw.removePort(INSIDE);
        sw.addPort(INSIDE);
        long next = known(INSIDE).id();
        assertThat(next).isNotEqualTo(first);
        sw.hwOffload(true);
        assertThat(sw.offload().takeEventObjects()).isEmpty();
        assertThat(sw.dumpConnectionsWithOffload())
                .singleElement()
                .asString()
                .contains("offload=(alpha:refused(port gone))");
        ask();
        assertThat(sw.offload().takeEventObjects())
                .last()
                .satisfies(event ->
                        assertThat(event.connection().originalIngress()).isEqualTo(known(INSIDE)));
    }

    @Test
    void aRepliesPortThatWentIsForgottenToo() {
        startWith(alpha);
        ask();
        answer();
        sw.removePort(OUTSIDE);
        sw.addPort(OUTSIDE);
        sw.hwOffload(true);
        assertThat(sw.offload().takeEventObjects()).isEmpty();
        answer();
        assertThat(sw.offload().takeEventObjects())
                .last()
                .satisfies(
                        event -> assertThat(event.connection().replyIngress()).isEqualTo(known(OUTSIDE)));
    }

    @Test
    void whatCameInByAPortIsTakenBackWhenItGoes() {
        startWith(alpha);
        sw.hwOffload(true);
        ask();
        answer();
        sw.takeOffloadEvents();
        sw.removePort(INSIDE);
        assertThat(sw.takeOffloadEvents()).first().isEqualTo("del port gone");
        sw.addPort(INSIDE);
        ask();
        assertThat(alpha.held())
                .extracting(connection -> connection.originalIngress().id())
                .doesNotContain(1L);
        assertThat(sw.offload().takeEventObjects())
                .last()
                .satisfies(event ->
                        assertThat(event.connection().originalIngress()).isEqualTo(known(INSIDE)));
    }

    @Test
    void aHostThatMovesToAnotherPortTakesItsConnectionAlong() {
        startWith(alpha);
        sw.flows("table=1,priority=10,in_port=3,ct_state=+trk+est actions=2");
        sw.hwOffload(true);
        ask();
        answer();
        sw.takeOffloadEvents();
        sw.advance(Duration.ofSeconds(2)); // a port is looked at once a second
        sw.receive(DETOUR, query);
        assertThat(sw.takeOffloadEvents()).containsExactly("changed port in=3 reply=2");
    }

    // ---- several providers ----

    @Test
    void theHigherPriorityIsAskedFirstAndBothMayHoldAConnection() {
        startWith(beta, alpha);
        sw.hwOffload(true);
        ask();
        assertThat(sw.takeOffloadEvents()).containsExactly("alpha add in=1", "beta add in=1");
        assertThat(alpha.held()).isEqualTo(beta.held()).hasSize(1);
    }

    @Test
    void whatTheHigherDeclinesTheLowerCarries() {
        alpha.answerCanOffload(
                connection -> connection.protocol() == 17 ? Verdict.decline("no udp") : Verdict.accept());
        startWith(alpha, beta);
        sw.hwOffload(true);
        ask();
        answer();
        assertThat(sw.takeOffloadEvents())
                .containsExactly("alpha query in=1 declined: no udp", "beta add in=1", "beta established in=2");
        sw.receive(INSIDE, ping());
        assertThat(sw.takeOffloadEvents()).containsExactly("alpha add in=1", "beta add in=1");
        sw.flushConnections();
        assertThat(sw.takeOffloadEvents())
                .containsExactlyInAnyOrder("alpha del flushed", "beta del flushed", "beta del flushed");
    }

    @Test
    void thePriorityListChangesTheOrderLiveAndNoneLeavesTheOthersOut() {
        startWith(alpha, beta);
        sw.hwOffload(true);
        sw.offload().priority("beta");
        assertThat(sw.offload().providers()).extracting(ProviderStatus::name).containsExactly("beta", "alpha");
        ask();
        assertThat(sw.takeOffloadEvents()).containsExactly("beta add in=1", "alpha add in=1");
        sw.offload().priority("beta,none");
        assertThat(sw.offload().providers()).extracting(ProviderStatus::name).containsExactly("beta");
        assertThat(alpha.held()).isEmpty();
        assertThat(beta.held()).hasSize(1);
    }

    @Test
    void theLaterOfTwoAnswersCounts() {
        startWith(alpha, beta);
        sw.hwOffload(true);
        ask();
        answer();
        alpha.answerLastUsed(connection -> EPOCH_MS + 10_000);
        beta.answerLastUsed(connection -> EPOCH_MS + 20_000);
        sw.advance(Duration.ofSeconds(31));
        assertThat(sw.dumpConnections()).singleElement().asString().contains("timeout=19");
    }

    // ---- providers that fail ----

    @Test
    void aProviderWhoseInitFailsSaysWhyAndTheOtherWorks() {
        InitFailingProvider broken = new InitFailingProvider("broken", "no such card");
        startWith(broken, beta);
        sw.hwOffload(true);
        assertThat(sw.offload().providers())
                .extracting(ProviderStatus::name, ProviderStatus::state)
                .containsExactlyInAnyOrder(tuple("broken", "init failed: no such card"), tuple("beta", "ready"));
        assertThat(sw.offload().show()).contains("provider broken: priority 100, init failed: no such card");
        ask();
        answer();
        sw.flushConnections();
        sw.hwOffload(false);
        assertThat(sw.takeOffloadEvents())
                .containsExactly("beta add in=1", "beta established in=2", "beta del flushed");
        assertThat(broken.wasMisused()).isFalse();
    }

    @Test
    void aProviderThatThrowsHarmsNeitherPacketsNorTheOther() {
        startWith(new ThrowingProvider("thrower", Set.of(Callback.ADD)), beta);
        sw.hwOffload(true);
        ask();
        answer();
        assertThat(sw.takeSentBytes(OUTSIDE)).containsExactly(query);
        assertThat(sw.takeSentBytes(INSIDE)).containsExactly(answer);
        assertThat(sw.takeOffloadEvents())
                .contains("beta add in=1", "beta established in=2")
                .anySatisfy(event -> assertThat(event).startsWith("thrower").contains("failed"));
        assertThat(sw.offload().show()).contains("failures:").contains("thrower");
    }

    @Test
    void aZoneOutOfRangeIsRefused() {
        startWith(alpha);
        assertThatThrownBy(() -> sw.flushConnections(65_536))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65536");
        assertThatThrownBy(() -> sw.flushConnections(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    // ---- settings ----

    /** Writes down what settings it has. */
    private static final class Tuned implements OffloadProvider {
        private final List<String> heard = new ArrayList<>();

        @Override
        public String name() {
            return "tuned";
        }

        @Override
        public void init(ProviderContext context) {
            heard.add("init " + context.settings());
        }

        @Override
        public void settingsChanged(Map<String, String> settings) {
            heard.add("changed " + settings);
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            return Verdict.decline("it is here for its settings");
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef replyIngress) {
            return false;
        }

        @Override
        public long connUpdate(ConnView connection) {
            return 0;
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            // It holds nothing.
        }
    }

    @Test
    void aProviderHasItsPartOfTheSettingsAndIsToldOfChanges() {
        Tuned tuned = new Tuned();
        startWith(tuned);
        sw.offload().settings(Map.of("offload-tuned-depth", "64", "offload-other-depth", "1", "max-idle", "9000"));
        sw.offload().enable(true);
        sw.offload().settings(Map.of("offload-tuned-depth", "64"));
        sw.offload().settings(Map.of("offload-tuned-depth", "128"));
        sw.offload().settings(Map.of());
        assertThat(tuned.heard).containsExactly("init {depth=64}", "changed {depth=128}", "changed {}");
    }
}
