package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.datapath.DropReason;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.InitFailingProvider;
import io.turnstile.offload.provider.fault.ThrowingProvider;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfAction;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What goes wrong, inside or by the test's own mistake, is said where the test is. */
class EmbeddedSwitchErrorsTest {
    private static final Frame QUESTION = Frames.udp("10.0.0.1:1 > 10.0.0.2:2");

    private final EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2);

    @AfterEach
    void end() {
        sw.close();
    }

    // ---- what goes wrong inside ----

    @Test
    void anActionThatFailsIsThrownByTheCallThatCausedIt() {
        IllegalStateException fault = new IllegalStateException("no room");
        sw.port(2).onSent(frame -> {
            throw fault;
        });
        assertThatThrownBy(() -> sw.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .hasMessage("action failed: java.lang.IllegalStateException: no room")
                .hasCause(fault);
        sw.check(); // It was thrown, and is not thrown again.
        assertThat(sw.drops(DropReason.ACTION_FAILED)).isEqualTo(1);
    }

    @Test
    void furtherFailuresOfTheSameCallAreSuppressed() {
        sw.flows("priority=10,in_port=1 actions=7,8");
        assertThatThrownBy(() -> sw.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .satisfies(thrown -> assertThat(thrown.getSuppressed())
                        .hasSize(1)
                        .allSatisfy(also -> assertThat(also).isInstanceOf(SwitchFailedException.class)));
    }

    @Test
    void aTranslationThatFailsIsThrown() {
        sw.core().pipeline.setZoneTimeouts(zone -> {
            throw new IllegalStateException("which policy?");
        });
        sw.flows("priority=10,udp actions=ct(commit),2");
        assertThatThrownBy(() -> sw.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("translation")
                .hasStackTraceContaining("which policy?");
    }

    @Test
    void aTrackerThatFailsIsThrown() {
        try (EmbeddedSwitch broken = EmbeddedSwitch.builder()
                .ports(1, 2)
                .tracker(clock -> failing("track", new ConnectionTracker(clock, 10)))
                .start()) {
            broken.flows("priority=10,udp actions=ct(table=1)");
            assertThatThrownBy(() -> broken.receive(1, QUESTION))
                    .isInstanceOf(SwitchFailedException.class)
                    .hasStackTraceContaining("cannot track");
        }
    }

    @Test
    void aDispatcherThatFailsIsThrown() {
        try (EmbeddedSwitch broken = EmbeddedSwitch.builder()
                .ports(1, 2)
                .providers(new DummyProvider("dummy", 1, 10))
                .tracker(clock -> failing("scan", new ConnectionTracker(clock, 10)))
                .start()) {
            assertThatThrownBy(() -> broken.hwOffload(true)).hasMessageContaining("cannot scan");
        }
    }

    /** The tracker, but for one method. */
    private static Conntrack failing(String method, Conntrack tracker) {
        return (Conntrack) Proxy.newProxyInstance(
                Conntrack.class.getClassLoader(), new Class<?>[] {Conntrack.class}, (proxy, called, arguments) -> {
                    if (called.getName().equals(method)) {
                        throw new IllegalStateException("cannot " + method);
                    }
                    try {
                        return called.invoke(tracker, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void aListenerOfOpenFlowEventsThatFailsIsThrown() {
        sw.openFlow().subscribe(new OpenFlowSwitch.Events() {
            @Override
            public void packetIn(OpenFlowSwitch.PacketIn packet) {
                throw new IllegalStateException("not this one");
            }

            @Override
            public void flowRemoved(OpenFlowSwitch.FlowStats flow, FlowRemovedReason reason) {}

            @Override
            public void portStatus(OfPort port, PortStatusReason reason) {}
        });
        sw.flows("priority=10,in_port=1 actions=controller");
        assertThatThrownBy(() -> sw.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .hasStackTraceContaining("not this one");
        assertThat(sw.takePacketIns()).as("the others are told").hasSize(1);
    }

    @Test
    void aControllersRequestThatFailsInsideIsThrownByTheNextCall() throws IOException {
        sw.core().pipeline.setZoneTimeouts(zone -> {
            throw new IllegalStateException("which policy?");
        });
        sw.flows("priority=10,udp actions=ct(commit),2");
        try (Socket controller = new Socket(InetAddress.getLoopbackAddress(), sw.listenOpenFlow())) {
            controller.setSoTimeout(30_000);
            controller.getOutputStream().write(HexFormat.of().parseHex("0400000800000001")); // OFPT_HELLO
            byte[] frame = QUESTION.bytes();
            controller
                    .getOutputStream()
                    .write(ByteBuffer.allocate(40 + frame.length)
                            .putShort((short) 0x040d)
                            .putShort((short) (40 + frame.length))
                            .putInt(7) // OFPT_PACKET_OUT
                            .putInt(-1)
                            .putInt(1)
                            .putShort((short) 16)
                            .position(24) // no buffer, in_port=1, 16 bytes of actions
                            .putShort((short) 0)
                            .putShort((short) 16)
                            .putInt(0xffff_fff9)
                            .position(40) // output:TABLE
                            .put(frame)
                            .array());
            DataInputStream answers = new DataInputStream(controller.getInputStream());
            int type;
            do {
                answers.readByte();
                type = answers.readByte();
                answers.readNBytes(answers.readUnsignedShort() - 4);
            } while (type != 1); // OFPT_ERROR
        }
        assertThatThrownBy(sw::check)
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("an OpenFlow request failed")
                .hasStackTraceContaining("which policy?");
    }

    @Test
    void whatNobodyAskedForIsThrownByTheEnd() {
        EmbeddedSwitch other = EmbeddedSwitch.withPorts(1);
        other.core().failures.record("an OpenFlow request", new IllegalStateException("on another thread"));
        assertThatThrownBy(other::close)
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("on another thread");
        other.close();
    }

    @Test
    void whatFailedEarlierIsSeenBesideAWrongArgument() {
        sw.core().failures.record("an OpenFlow request", new IllegalStateException("on another thread"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.port(9))
                .satisfies(thrown -> assertThat(thrown.getSuppressed()).hasSize(1));
    }

    @Test
    void aProvidersFaultsAreContainedAndCanBeAskedFor() {
        try (EmbeddedSwitch two = EmbeddedSwitch.builder()
                .ports(1, 2)
                .providers(
                        new ThrowingProvider("thrower", Set.of(Callback.ADD)),
                        new InitFailingProvider("broken", "no such card"))
                .start()) {
            two.flows("priority=10,udp actions=ct(commit),2");
            two.hwOffload(true);
            two.receive(1, QUESTION);
            assertThat(two.offload().failures())
                    .hasSizeGreaterThanOrEqualTo(2)
                    .anySatisfy(line -> assertThat(line).contains("thrower: add failed"))
                    .anySatisfy(line -> assertThat(line).contains("broken: init failed: no such card"));
        }
    }

    // ---- ports ----

    @Test
    void thePacketThatIsToLeaveByAPortNobodyMadeSaysSo() {
        sw.flows("priority=10,in_port=1 actions=2,7");
        assertThatThrownBy(() -> sw.receive(1, QUESTION))
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("br0 by port 7, which nobody made")
                .hasMessageContaining("priority=10,in_port=1 actions=output:2,output:7")
                .hasMessageContaining("addPort(7)")
                .hasMessageContaining("allowMissingPorts()");
        assertThat(sw.takeSent(2)).as("the other port was sent to").hasSize(1);
    }

    @Test
    void onceItIsMadeThePacketLeavesThere() {
        sw.flows("priority=10,in_port=1 actions=7");
        sw.addPort(7);
        sw.receive(1, QUESTION);
        assertThat(sw.takeSent(7)).hasSize(1);
    }

    @Test
    void aPacketOutToAPortNobodyMadeSaysSo() {
        assertThatThrownBy(() -> sw.packetOut(1, "7", QUESTION.bytes()))
                .isInstanceOf(SwitchFailedException.class)
                .hasMessageContaining("port 7")
                .hasMessageContaining("packet-out");
    }

    @Test
    void portsMayBeMissingOnPurpose() {
        try (EmbeddedSwitch lenient =
                EmbeddedSwitch.builder().ports(1).allowMissingPorts().start()) {
            lenient.flows("priority=10,in_port=1 actions=7");
            lenient.receive(1, QUESTION);
            assertThat(lenient.drops(DropReason.FLOW_DROP)).isEqualTo(1);
        }
        sw.flows("priority=10,in_port=1 actions=2");
        sw.removePort(2);
        sw.receive(1, QUESTION);
        assertThat(sw.drops(DropReason.FLOW_DROP))
                .as("to a port that the test took away")
                .isEqualTo(1);
    }

    @Test
    void traceOfAPortNobodyMadeIsNoError() {
        sw.flows("priority=10,in_port=1 actions=7");
        assertThat(sw.trace("in_port=1")).contains("Nonexistent output port");
        sw.check();
    }

    @Test
    void callsThatNameAPortNobodyMadeSayHowToMakeIt() {
        Stream.<Runnable>of(
                        () -> sw.receive(9, QUESTION),
                        () -> sw.takeSent(9),
                        () -> sw.port(9),
                        () -> sw.removePort(9),
                        () -> sw.packetOut(9, "2", QUESTION.bytes()))
                .forEach(call -> assertThatIllegalArgumentException()
                        .isThrownBy(call::run)
                        .withMessageContaining("br0 has no port 9")
                        .withMessageContaining("EmbeddedSwitch.withPorts(9")
                        .withMessageContaining("addPort(9)"));
    }

    @Test
    void portNumbersAreThoseOfOpenFlowAndTakenOnce() {
        for (int number : new int[] {0, -1, 0xff00, OfAction.Ports.LOCAL}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> sw.addPort(number))
                    .withMessageContaining("1 to 65279");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> sw.addPort(2)).withMessageContaining("already");
        assertThat(sw.port(OfAction.Ports.LOCAL).name()).isEqualTo("br0");
    }

    // ---- frames ----

    @Test
    void framesThatNoPortTakesAreRefused() {
        assertThatNullPointerException()
                .isThrownBy(() -> sw.receive(1, (byte[]) null))
                .withMessage("frame");
        assertThatNullPointerException()
                .isThrownBy(() -> sw.packetOut(1, "2", null))
                .withMessage("frame");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.receive(1, new byte[0]))
                .withMessageContaining("empty");
        byte[] longest = new byte[Packet.MAX_FRAME_BYTES];
        longest[0] = 2;
        sw.receive(1, longest);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.receive(1, new byte[Packet.MAX_FRAME_BYTES + 1]))
                .withMessageContaining("65559 bytes");
        assertThatIllegalArgumentException().isThrownBy(() -> sw.packetOut(1, "2", new byte[13]));
    }

    @Test
    void aFrameWithoutAWholeEthernetHeaderIsDroppedAndCounted() {
        sw.receive(1, new byte[13]);
        assertThat(sw.drops(DropReason.MALFORMED)).isEqualTo(1);
    }

    @Test
    void aPortThatIsClosedTakesNoFrame() {
        sw.port(1).close();
        assertThatIllegalStateException()
                .isThrownBy(() -> sw.receive(1, QUESTION))
                .withMessageContaining("port 1");
    }

    // ---- time and zones ----

    @Test
    void timeGoesForwardOnly() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> sw.advance(Duration.ofNanos(-1)))
                .withMessageContaining("forward");
        assertThat(sw.clock().nowNs()).isZero();
        sw.advance(Duration.ZERO);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EmbeddedSwitch.builder().clockOrigin(0, 0));
    }

    @Test
    void zonesAre16Bits() {
        for (int zone : new int[] {-1, 65_536}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> sw.flushConnections(zone))
                    .withMessageContaining("" + zone);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> sw.zoneTimeouts(Map.of(zone, new TimeoutPolicy(Map.of()))))
                    .withMessageContaining("" + zone);
        }
        assertThat(sw.flushConnections(65_535)).isZero();
    }

    // ---- the end ----

    @TestFactory
    Stream<DynamicTest> aClosedSwitchRefuses() {
        EmbeddedSwitch closed = EmbeddedSwitch.withPorts(1, 2);
        EmbeddedBridge bridge = closed.bridge();
        EmbeddedOffload offload = closed.offload();
        closed.close();
        Map<String, Runnable> calls = Map.ofEntries(
                Map.entry("receive", () -> closed.receive(1, QUESTION)),
                Map.entry("takeSent", () -> closed.takeSent(1)),
                Map.entry("takeSentBytes", () -> closed.takeSentBytes(1)),
                Map.entry("packetOut", () -> closed.packetOut(1, "2", QUESTION.bytes())),
                Map.entry("takePacketIns", closed::takePacketIns),
                Map.entry("takeFlowRemovals", closed::takeFlowRemovals),
                Map.entry("port", () -> closed.port(1)),
                Map.entry("addPort", () -> closed.addPort(3)),
                Map.entry("removePort", () -> closed.removePort(1)),
                Map.entry("tcpHandshake", () -> closed.tcpHandshake(1, 2, "10.0.0.1:1 > 10.0.0.2:2")),
                Map.entry("flows", () -> closed.flows("actions=2")),
                Map.entry("modifyFlows", () -> closed.modifyFlows("actions=2")),
                Map.entry("deleteFlows", () -> closed.deleteFlows()),
                Map.entry("deleteFlows of a match", () -> closed.deleteFlows("udp")),
                Map.entry("dumpFlows", closed::dumpFlows),
                Map.entry("trace", () -> closed.trace("in_port=1")),
                Map.entry("openFlow", closed::openFlow),
                Map.entry("listenOpenFlow", closed::listenOpenFlow),
                Map.entry("connectController", () -> closed.connectController("tcp:127.0.0.1:1")),
                Map.entry("bridge", closed::bridge),
                Map.entry("bridge of a name", () -> closed.bridge("br0")),
                Map.entry("addBridge", () -> closed.addBridge("br1")),
                Map.entry("patch", () -> bridge.patch(3, bridge, 4)),
                Map.entry("dumpDatapathFlows", closed::dumpDatapathFlows),
                Map.entry("drops", () -> closed.drops(DropReason.FLOW_DROP)),
                Map.entry("fragments", closed::fragments),
                Map.entry("clock", closed::clock),
                Map.entry("advance", () -> closed.advance(Duration.ofSeconds(1))),
                Map.entry("conntrack", closed::conntrack),
                Map.entry("conntrackControl", closed::conntrackControl),
                Map.entry("zoneTimeouts", () -> closed.zoneTimeouts(Map.of())),
                Map.entry("flushConnections", () -> closed.flushConnections()),
                Map.entry("flushConnections of a zone", () -> closed.flushConnections(1)),
                Map.entry("dumpConnections", closed::dumpConnections),
                Map.entry("dumpConnectionsWithOffload", closed::dumpConnectionsWithOffload),
                Map.entry("offload", closed::offload),
                Map.entry("hwOffload", () -> closed.hwOffload(true)),
                Map.entry("priority", () -> offload.priority("")),
                Map.entry("providers", offload::providers),
                Map.entry("show", offload::show),
                Map.entry("failures", offload::failures),
                Map.entry("takeEventObjects", offload::takeEventObjects),
                Map.entry("takeOffloadEvents", closed::takeOffloadEvents),
                Map.entry("check", closed::check));
        return calls.entrySet().stream()
                .map(call -> DynamicTest.dynamicTest(
                        call.getKey(),
                        () -> assertThatIllegalStateException()
                                .isThrownBy(() -> call.getValue().run())
                                .withMessage("this switch is closed")));
    }

    @Test
    void closingTwiceDoesNothing() {
        sw.close();
        sw.close();
    }
}
