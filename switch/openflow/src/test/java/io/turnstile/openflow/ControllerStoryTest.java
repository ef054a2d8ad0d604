package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.time.ManualClock;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A controller made of bare bytes, on the loopback interface. */
class ControllerStoryTest {
    private static final int OF13 = 4;
    private static final int HELLO = 0;
    private static final int ERROR = 1;
    private static final int ECHO_REQUEST = 2;
    private static final int ECHO_REPLY = 3;
    private static final int FLOW_REMOVED = 11;
    private static final int PORT_STATUS = 12;
    private static final int FLOW_MOD = 14;
    private static final int EXPERIMENTER = 4;
    private static final int BARRIER_REQUEST = 20;
    private static final int BARRIER_REPLY = 21;
    private static final int ROLE_REQUEST = 24;
    private static final int ROLE_REPLY = 25;
    private static final int MASTER = 2;
    private static final int SLAVE = 3;
    private static final int PROBE_MS = 20;

    private final FakeSwitch bridge = new FakeSwitch();
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1_000_000, 0);
    private EventLoopGroup group;
    private BridgeAgent agent;
    private ServerSocket server;

    @BeforeEach
    void start() throws Exception {
        group = OpenFlowAgent.newEventLoop();
        agent = new OpenFlowAgent(group, clock).attach(bridge);
        server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        server.setSoTimeout(10_000);
    }

    @AfterEach
    void stop() throws Exception {
        agent.close();
        server.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    private record Message(int version, int type, int xid, byte[] body) {
        int u16(int offset) {
            return ByteBuffer.wrap(body).getShort(offset) & 0xffff;
        }
    }

    /** The controller's end of one connection. */
    private static final class Peer implements AutoCloseable {
        private final Socket socket;
        private final DataInputStream in;

        Peer(Socket socket) throws IOException {
            this.socket = socket;
            socket.setSoTimeout(10_000);
            this.in = new DataInputStream(socket.getInputStream());
        }

        void send(int version, int type, int xid, byte... body) throws IOException {
            ByteBuffer message = ByteBuffer.allocate(8 + body.length);
            message.put((byte) version)
                    .put((byte) type)
                    .putShort((short) (8 + body.length))
                    .putInt(xid)
                    .put(body);
            socket.getOutputStream().write(message.array());
        }

        Message receive() throws IOException {
            int version = in.readUnsignedByte();
            int type = in.readUnsignedByte();
            byte[] body = new byte[in.readUnsignedShort() - 8];
            int xid = in.readInt();
            in.readFully(body);
            return new Message(version, type, xid, body);
        }

        /** The next message that is not of a kind sent unasked. */
        Message answer() throws IOException {
            Message message = receive();
            while (message.type() == ECHO_REQUEST || message.type() == PORT_STATUS) {
                message = receive();
            }
            return message;
        }

        Message role(int role, long generation) throws IOException {
            send(
                    OF13,
                    ROLE_REQUEST,
                    7,
                    ByteBuffer.allocate(16)
                            .putInt(role)
                            .putInt(0)
                            .putLong(generation)
                            .array());
            return answer();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private String target() {
        return "tcp:127.0.0.1:" + server.getLocalPort();
    }

    private Peer accept() throws IOException {
        Peer peer = new Peer(server.accept());
        assertThat(peer.receive().type()).isEqualTo(HELLO);
        peer.send(OF13, HELLO, 1);
        return peer;
    }

    private Peer connected() throws IOException {
        return connected(new ControllerTarget(target()));
    }

    private Peer connected(ControllerTarget controller) throws IOException {
        agent.setControllers(List.of(controller));
        Peer peer = accept();
        peer.send(OF13, ECHO_REQUEST, 5, (byte) 1, (byte) 2);
        Message echo = peer.answer();
        assertThat(echo.type()).isEqualTo(ECHO_REPLY);
        assertThat(echo.body()).containsExactly(1, 2);
        return peer;
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean() && System.nanoTime() < deadlineNs) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    @Test
    void controllerIsConnectedAndItsStatusTold() throws Exception {
        try (Peer _ = connected()) {
            ControllerStatus status = agent.controllerStatus().getFirst();
            assertThat(status.isConnected()).isTrue();
            assertThat(status.role()).isEqualTo("other");
            assertThat(status.state()).isEqualTo("ACTIVE");
            assertThat(bridge.connected).containsExactly(true);
        }
    }

    @Test
    void lostControllerIsToldAndConnectedAgain() throws Exception {
        connected().close();
        await(() -> bridge.connected.contains(false));
        assertThat(agent.controllerStatus().getFirst().state()).isIn("BACKOFF", "CONNECTING");
        try (Peer again = accept()) {
            again.send(OF13, BARRIER_REQUEST, 9);
            assertThat(again.answer().type()).isEqualTo(BARRIER_REPLY);
        }
    }

    @Test
    void controllerTakenOutOfTheListIsDisconnected() throws Exception {
        try (Peer peer = connected()) {
            agent.setControllers(List.of());
            InputStream rest = peer.socket.getInputStream();
            assertThat(rest.readAllBytes()).isEmpty();
            assertThat(agent.controllerStatus()).isEmpty();
        }
    }

    @Test
    void slaveMayOnlyLook() throws Exception {
        try (Peer peer = connected()) {
            assertThat(peer.role(SLAVE, 1).type()).isEqualTo(ROLE_REPLY);
            peer.send(OF13, FLOW_MOD, 8, new byte[48]);
            Message error = peer.answer();
            assertThat(error.type()).isEqualTo(ERROR);
            assertThat(List.of(error.u16(0), error.u16(2)))
                    .as("OFPBRC_IS_SLAVE")
                    .containsExactly(1, 10);
            assertThat(agent.controllerStatus().getFirst().role()).isEqualTo("slave");
        }
    }

    @Test
    void slaveMayNotFlushConnections() throws Exception {
        byte[] zone4 = HexFormat.of().parseHex("000023200000001d" + "0000000000000004");
        byte[] udp = HexFormat.of().parseHex("0000232000000020" + "1100000000000000");
        try (Peer peer = connected()) {
            peer.role(SLAVE, 1);
            for (byte[] flush : List.of(zone4, udp)) {
                peer.send(OF13, EXPERIMENTER, 8, flush);
                Message error = peer.answer();
                assertThat(error.type()).isEqualTo(ERROR);
                assertThat(List.of(error.u16(0), error.u16(2)))
                        .as("OFPBRC_IS_SLAVE")
                        .containsExactly(1, 10);
            }
            assertThat(bridge.flushes).isEmpty();
            peer.role(MASTER, 2);
            peer.send(OF13, EXPERIMENTER, 9, zone4);
            peer.send(OF13, EXPERIMENTER, 10, udp);
            peer.send(OF13, BARRIER_REQUEST, 11);
            assertThat(peer.answer().type()).isEqualTo(BARRIER_REPLY);
            assertThat(bridge.flushes).extracting(filter -> filter.zone).containsExactly(4, null);
            assertThat(bridge.flushes).extracting(filter -> filter.protocol).containsExactly(0, 17);
        }
    }

    /** The bridge's flush does not end before somebody else was answered. */
    @Test
    void whileConnectionsAreFlushedOthersAreAnswered() throws Exception {
        var address = (InetSocketAddress) agent.listen("ptcp:0:127.0.0.1");
        CountDownLatch flushing = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        bridge.duringFlush = () -> {
            flushing.countDown();
            assertThat(answered.await(10, TimeUnit.SECONDS)).isTrue();
        };
        try (Peer flusher = connected();
                Peer other = new Peer(new Socket(address.getAddress(), address.getPort()))) {
            assertThat(other.receive().type()).isEqualTo(HELLO);
            other.send(OF13, HELLO, 1);
            flusher.send(OF13, EXPERIMENTER, 8, HexFormat.of().parseHex("000023200000001d" + "0000000000000004"));
            flusher.send(OF13, BARRIER_REQUEST, 9);
            assertThat(flushing.await(10, TimeUnit.SECONDS)).isTrue();
            other.send(OF13, ECHO_REQUEST, 5);
            assertThat(other.answer().type()).isEqualTo(ECHO_REPLY);
            assertThat(bridge.flushes).as("flushes that are over").isEmpty();
            answered.countDown();
            assertThat(flusher.answer().type()).isEqualTo(BARRIER_REPLY);
            assertThat(bridge.flushes).hasSize(1);
        }
    }

    @Test
    void staleGenerationIsRefused() throws Exception {
        try (Peer peer = connected()) {
            assertThat(peer.role(MASTER, 5).type()).isEqualTo(ROLE_REPLY);
            Message error = peer.role(MASTER, 4);
            assertThat(error.type()).isEqualTo(ERROR);
            assertThat(List.of(error.u16(0), error.u16(2))).as("OFPRRFC_STALE").containsExactly(11, 0);
        }
    }

    @Test
    void newMasterMakesTheOldOneSlave() throws Exception {
        var address = (InetSocketAddress) agent.listen("ptcp:0:127.0.0.1");
        try (Peer first = connected();
                Peer second = new Peer(new Socket(address.getAddress(), address.getPort()))) {
            assertThat(second.receive().type()).isEqualTo(HELLO);
            second.send(OF13, HELLO, 1);
            first.role(MASTER, 1);
            assertThat(agent.controllerStatus().getFirst().role()).isEqualTo("master");
            second.role(MASTER, 2);
            assertThat(agent.controllerStatus().getFirst().role()).isEqualTo("slave");
        }
    }

    @Test
    void secondsAreCountedByTheSwitchsClock() throws Exception {
        try (Peer _ = connected()) {
            clock.advance(Duration.ofSeconds(90));
            assertThat(agent.controllerStatus().getFirst().secondsSinceConnect())
                    .isEqualTo(90);
        }
        await(() -> bridge.connected.contains(false));
        clock.advance(Duration.ofSeconds(7));
        assertThat(agent.controllerStatus().getFirst().secondsSinceDisconnect()).isEqualTo(7);
    }

    @Test
    void silentControllerIsProbedAndThenDropped() throws Exception {
        try (Peer peer = connected(new ControllerTarget(target(), 1000, PROBE_MS))) {
            clock.advance(Duration.ofMillis(PROBE_MS));
            assertThat(peer.receive().type()).isEqualTo(ECHO_REQUEST);
            clock.advance(Duration.ofMillis(PROBE_MS));
            assertThat(peer.socket.getInputStream().read())
                    .as("closed after the second silent interval")
                    .isEqualTo(-1);
        }
        await(() -> agent.controllerStatus().getFirst().lastError() != null);
        assertThat(agent.controllerStatus().getFirst().lastError()).contains("inactivity probe");
    }

    @Test
    void controllerThatDoesNotGreetIsDroppedAndTriedAgain() throws Exception {
        agent.setControllers(List.of(new ControllerTarget(target(), 1000, PROBE_MS)));
        try (Peer peer = new Peer(server.accept())) {
            assertThat(peer.receive().type()).isEqualTo(HELLO);
            clock.advance(Duration.ofMillis(OpenFlowConnection.GREETING_MS));
            assertThat(peer.socket.getInputStream().read()).isEqualTo(-1);
        }
        assertThat(agent.controllerStatus().getFirst().lastError()).isEqualTo("Connection timed out");
        accept().close();
    }

    @Test
    void nobodyIsSilentWhileTimeStandsStill() throws Exception {
        try (Peer peer = connected(new ControllerTarget(target(), 1000, PROBE_MS))) {
            peer.socket.setSoTimeout(10 * PROBE_MS);
            assertThatThrownBy(peer::receive).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void errorQuotesTheWholeRequest() throws Exception {
        try (Peer peer = connected()) {
            peer.send(OF13, FLOW_MOD, 77, new byte[200]);
            Message error = peer.answer();
            assertThat(error.type()).isEqualTo(ERROR);
            assertThat(error.xid()).isEqualTo(77);
            assertThat(error.body()).hasSize(4 + 8 + 200);
            assertThat(error.body()[5]).isEqualTo((byte) FLOW_MOD);
        }
    }

    @Test
    void portChangesAreTold() throws Exception {
        try (Peer peer = connected()) {
            bridge.events.portStatus(bridge.ports.get(1), PortStatusReason.MODIFY);
            Message message = peer.receive();
            assertThat(message.type()).isEqualTo(PORT_STATUS);
            assertThat(message.body()[0]).isEqualTo((byte) 2);
        }
    }

    @Test
    void removedFlowIsToldOnlyIfItAsksForIt() throws Exception {
        try (Peer peer = connected()) {
            var parse = io.turnstile.pipeline.flow.FlowMod.Command.ADD;
            bridge.events.flowRemoved(
                    FakeSwitch.stats(io.turnstile.pipeline.flow.FlowText.parseFlowMod(parse, "cookie=1,ip,actions=1")),
                    FlowRemovedReason.IDLE_TIMEOUT);
            bridge.events.flowRemoved(
                    FakeSwitch.stats(io.turnstile.pipeline.flow.FlowText.parseFlowMod(
                            parse, "cookie=2,send_flow_rem,ip,actions=1")),
                    FlowRemovedReason.IDLE_TIMEOUT);
            Message message = peer.receive();
            assertThat(message.type()).isEqualTo(FLOW_REMOVED);
            assertThat(ByteBuffer.wrap(message.body()).getLong(0)).isEqualTo(2);
        }
    }

    /** Whatever is said, the answer is an error or a reply, and the connection stays. */
    @Test
    void nonsenseNeverClosesTheConnection() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        agent.setControllers(List.of(new ControllerTarget(target(), 1000, 0)));
        try (Peer peer = accept()) {
            for (int i = 0; i < 3000; i++) {
                byte[] body = new byte[random.nextInt(120)];
                random.nextBytes(body);
                if (random.nextBoolean() && body.length > 8) {
                    ByteBuffer.wrap(body).putInt(0, 0x2320).putInt(4, random.nextInt(35));
                }
                peer.send(OF13, random.nextInt(40), 1000 + i, body);
                if (i % 20 == 19) {
                    barrier(peer, i, seed);
                }
            }
        }
    }

    private static void barrier(Peer peer, int xid, long seed) throws IOException {
        peer.send(OF13, BARRIER_REQUEST, xid);
        Message message = peer.receive();
        while (message.type() != BARRIER_REPLY || message.xid() != xid) {
            message = peer.receive();
        }
        assertThat(message.xid()).as("seed " + seed).isEqualTo(xid);
    }

    @Test
    void snoopSeesWhatControllerAndBridgeSay(@TempDir Path dir) throws Exception {
        agent.listenSnoop("punix:" + dir.resolve("br0.snoop"));
        try (Peer peer = connected();
                SocketChannel snoop = SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("br0.snoop")))) {
            snoop.write(ByteBuffer.wrap(new byte[] {1, 0, 0, 8, 0, 0, 0, 1}));
            ByteBuffer seen = ByteBuffer.allocate(4096);
            while (seen.position() < 32) { // until the snooper has greeted, what is said is not mirrored
                peer.send(OF13, BARRIER_REQUEST, 3);
                peer.answer();
                snoop.configureBlocking(false);
                snoop.read(seen);
            }
            assertThat(seen.get(1)).as("a greeting").isZero();
            assertThat(seen.get(seen.getShort(2) + 1)).isIn((byte) BARRIER_REQUEST, (byte) BARRIER_REPLY);
        }
    }

    @Test
    void unknownTargetIsReportedNotThrown() throws Exception {
        agent.setControllers(List.of(new ControllerTarget("sctp:127.0.0.1"), new ControllerTarget("ssl:127.0.0.1")));
        assertThat(agent.controllerStatus().getFirst().lastError()).contains("unknown connection method");
        assertThat(agent.controllerStatus().getLast().lastError())
                .as("without a key")
                .isEqualTo("Protocol not available");
    }
}
