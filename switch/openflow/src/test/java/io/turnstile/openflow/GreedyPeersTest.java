package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.netty.channel.EventLoopGroup;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.time.Clock;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Peers on real sockets that want much and read nothing, beside one that reads. */
class GreedyPeersTest {
    private static final int OF13 = 4;
    private static final int HELLO = 0;
    private static final int ECHO_REQUEST = 2;
    private static final int ECHO_REPLY = 3;
    private static final int FLOW_REMOVED = 11;
    private static final int SET_CONFIG = 9;
    private static final int MULTIPART_REQUEST = 18;
    private static final int EVENTS_AT_ONCE = 1000;
    /** More than the kernel takes for a peer that does not read. */
    private static final int MOST_EVENTS = 1_000_000;

    private static final long MEMORY_BYTES = 16 << 20;
    private static final int PATIENCE_SECONDS = 20;

    private final FakeSwitch bridge = new FakeSwitch();
    private final Shared shared = new Shared(Clock.system(), failure -> {}, MEMORY_BYTES, Runnable::run);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(OpenFlowConnection.class);
    private EventLoopGroup group;
    private BridgeAgent agent;
    private InetSocketAddress address;

    @BeforeEach
    void start() throws Exception {
        group = OpenFlowAgent.newEventLoop();
        agent = new OpenFlowAgent(group, shared).attach(bridge);
        address = (InetSocketAddress) agent.listen("ptcp:0:127.0.0.1");
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void stop() throws Exception {
        logger.detachAppender(log);
        agent.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    private final class Peer implements AutoCloseable {
        private final Socket socket = new Socket();
        private final DataInputStream in;

        Peer() throws IOException {
            socket.setReceiveBufferSize(4096);
            socket.setSoTimeout(PATIENCE_SECONDS * 1000);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort()));
            in = new DataInputStream(socket.getInputStream());
            send(HELLO);
            send(SET_CONFIG, 0, 0, 0, 100);
            receive(HELLO);
            send(ECHO_REQUEST);
            receive(ECHO_REPLY);
        }

        void send(int type, int... body) throws IOException {
            ByteBuffer message = ByteBuffer.allocate(8 + body.length);
            message.put((byte) OF13)
                    .put((byte) type)
                    .putShort((short) (8 + body.length))
                    .putInt(1);
            for (int each : body) {
                message.put((byte) each);
            }
            socket.getOutputStream().write(message.array());
        }

        void receive(int type) throws IOException {
            int received;
            do {
                in.readUnsignedByte();
                received = in.readUnsignedByte();
                in.skipNBytes(in.readUnsignedShort() - 4);
            } while (received != type);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private List<String> cutOff() {
        return List.copyOf(log.list).stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(line -> line.contains("does not read"))
                .toList();
    }

    @Test
    void theGreediestAreCutOffWithALineEachAndTheOthersAreNot() throws Exception {
        var flow = FakeSwitch.stats(FlowText.parseFlowMod(FlowMod.Command.ADD, "send_flow_rem,ip,actions=1"));
        try (Peer one = new Peer();
                Peer other = new Peer();
                Peer reader = new Peer()) {
            for (int sent = 0; sent < MOST_EVENTS && cutOff().size() < 2; sent += EVENTS_AT_ONCE) {
                for (int i = 0; i < EVENTS_AT_ONCE; i++) {
                    bridge.events.flowRemoved(flow, FlowRemovedReason.DELETE);
                }
                for (int i = 0; i < EVENTS_AT_ONCE; i++) {
                    reader.receive(FLOW_REMOVED);
                }
            }
            reader.send(ECHO_REQUEST);
            reader.receive(ECHO_REPLY);
            assertThat(cutOff())
                    .hasSize(2)
                    .allMatch(line -> line.matches(
                            "br0<->tcp:127\\.0\\.0\\.1:\\d+: disconnecting a peer that does not read: \\d+ bytes wait"
                                    + " for it, role other; \\d+ wait for all peers,"
                                    + " of " + MEMORY_BYTES / 8 + " that may"));
            String names = String.join("\n", cutOff());
            assertThat(names).contains(":" + one.socket.getLocalPort() + ":", ":" + other.socket.getLocalPort() + ":");
        }
    }

    /** Its requests wait, and so it is never greedy. */
    @Test
    void whoReadsNoAnswersIsNotHeardAndHarmsNobody() throws Exception {
        try (Peer deaf = new Peer();
                Peer reader = new Peer()) {
            deaf.socket.setSoTimeout(1);
            AtomicInteger requests = new AtomicInteger();
            Thread asking = Thread.ofPlatform().start(() -> {
                try {
                    while (true) {
                        deaf.send(MULTIPART_REQUEST, 0, 3, 0, 0, 0, 0, 0, 0); // tables: 254 entries
                        requests.incrementAndGet();
                    }
                } catch (IOException closed) {
                    // The end of the test.
                }
            });
            int before;
            do { // until it is not heard any more
                before = requests.get();
                for (int i = 0; i < 200; i++) {
                    reader.send(ECHO_REQUEST);
                    reader.receive(ECHO_REPLY);
                }
            } while (requests.get() != before || before == 0);
            assertThat(cutOff()).isEmpty();
            assertThat(asking.isAlive()).isTrue();
            deaf.close();
            asking.join();
        }
    }

    @Test
    void snoopersThatDoNotReadHoldUpNobody(@TempDir Path dir) throws Exception {
        agent.listenSnoop("punix:" + dir.resolve("snoop"));
        List<java.nio.channels.SocketChannel> snoopers = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            snoopers.add(
                    java.nio.channels.SocketChannel.open(java.net.UnixDomainSocketAddress.of(dir.resolve("snoop"))));
        }
        try (java.net.ServerSocket controller = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            agent.setControllers(List.of(new ControllerTarget("tcp:127.0.0.1:" + controller.getLocalPort())));
            try (Socket socket = controller.accept()) {
                var out = socket.getOutputStream();
                out.write(new byte[] {OF13, HELLO, 0, 8, 0, 0, 0, 1});
                byte[] echo = new byte[60_000];
                ByteBuffer.wrap(echo).put((byte) OF13).put((byte) ECHO_REQUEST).putShort((short) echo.length);
                DataInputStream in = new DataInputStream(socket.getInputStream());
                in.skipNBytes(16); // the hello
                for (int i = 0; i < 200; i++) {
                    out.write(echo);
                    in.skipNBytes(echo.length);
                }
            }
        } finally {
            for (var snooper : snoopers) {
                snooper.close();
            }
        }
        assertThat(log.list).noneMatch(line -> line.getFormattedMessage().contains("does not read"));
    }
}
