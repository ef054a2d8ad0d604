package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Clients that do not read, do not speak or are too many: they cost little, and the others are served. */
@Timeout(60)
class SlowClientsTest {
    private static final int MIB = 1 << 20;
    private static final ServerLimits LIMITS =
            new ServerLimits(4 * MIB, 100_000, 100_000, 16 * MIB, MIB, 8 * MIB, 20, 50, 100);
    private static final String MONITOR = "{\"id\":1,\"method\":\"monitor_cond\",\"params\":[\"Open_vSwitch\",\"m\","
            + "{\"QoS\":[{\"columns\":[\"type\"]}]}]}";

    @TempDir
    Path folder;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final List<SocketChannel> sockets = new ArrayList<>();
    private Path socket;
    private EmbeddedOvsdb server;
    private RpcClient bystander;

    @BeforeEach
    void serve() {
        socket = folder.resolve("db.sock");
        server = new EmbeddedOvsdb(null, List.of("punix:" + socket), LIMITS);
        bystander = new RpcClient(socket);
        bystander.call("echo", "[]");
        log.list = new CopyOnWriteArrayList<>(); // Written by the server's thread.
        log.start();
        listenerLog().addAppender(log);
    }

    @AfterEach
    void stop() throws IOException {
        listenerLog().detachAppender(log);
        bystander.close();
        for (SocketChannel open : sockets) {
            open.close();
        }
        server.close();
    }

    private static Logger listenerLog() {
        return (Logger) LoggerFactory.getLogger(OvsdbListener.class);
    }

    private List<String> lines() {
        return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    /** A client that sends and does not read. */
    private SocketChannel mute(String text) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        sockets.add(channel);
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        return channel;
    }

    private JsonNode transact(String operation) {
        return bystander.call("transact", ("['Open_vSwitch'," + operation + "]").replace('\'', '"'));
    }

    private void write(String value) {
        assertThat(transact("{'op':'update','table':'QoS','where':[],'row':{'type':'" + value + "'}}")
                        .toString())
                .contains("\"count\":1");
    }

    /** Reads what has been sent to a client that did not read so far, until a message that ends it. */
    private static List<JsonNode> readAll(SocketChannel channel, String last) throws IOException {
        List<JsonNode> messages = new ArrayList<>();
        try (var values = OvsdbJson.MAPPER
                .readerFor(JsonNode.class)
                .<JsonNode>readValues(java.nio.channels.Channels.newInputStream(channel))) {
            while (values.hasNext()) {
                messages.add(values.next());
                if (messages.getLast().toString().contains(last)) {
                    return messages;
                }
            }
        }
        return messages;
    }

    @Test
    void monitorsThatDoNotReadCostOneChangeARowWhateverIsWritten() throws IOException {
        transact("{'op':'insert','table':'QoS','row':{'type':'first'}}");
        SocketChannel slow = mute(MONITOR);
        for (int i = 1; i < 10; i++) {
            mute(MONITOR);
        }
        bystander.call("echo", "[]");
        for (int i = 0; i < 300; i++) {
            write("x".repeat(300_000) + i);
        }
        write("last");
        assertThat(lines()).isEmpty();
        List<JsonNode> told = readAll(slow, "\"type\":\"last\"");
        assertThat(told).as("the first ones, and then the last").hasSizeBetween(2, 6);
        assertThat(told.getLast().at("/params/1/QoS").elements().next().path("modify"))
                .hasToString("{\"type\":\"last\"}");
    }

    @Test
    void requestsOfWhoDoesNotReadWaitAndAreAllAnsweredOnceHeDoes() throws IOException {
        for (int i = 0; i < 20; i++) {
            transact("{'op':'insert','table':'QoS','row':{'type':'" + "x".repeat(100_000) + "'}}");
        }
        StringBuilder dumps = new StringBuilder();
        for (int i = 0; i < 100; i++) {
            dumps.append("{\"id\":" + i + ",\"method\":\"transact\",\"params\":[\"Open_vSwitch\","
                    + "{\"op\":\"select\",\"table\":\"QoS\",\"where\":[]}]}");
        }
        SocketChannel slow = mute(dumps + "{\"id\":\"end\",\"method\":\"echo\",\"params\":[\"the end\"]}");
        for (int i = 0; i < 100; i++) {
            assertThat(bystander.call("echo", "[]")).isNotNull();
            transact("{'op':'insert','table':'Queue','row':{}}");
        }
        List<JsonNode> answers = readAll(slow, "the end");
        assertThat(answers).hasSize(101);
        for (int i = 0; i < 100; i++) {
            assertThat(answers.get(i).path("id").asInt()).isEqualTo(i);
            assertThat(answers.get(i).at("/result/0/rows")).hasSize(20);
        }
        assertThat(lines()).isEmpty();
    }

    @Test
    void anAnswerUnderWayTellsOfTheMomentOfItsQuestion() throws IOException {
        for (int i = 0; i < 100; i++) {
            transact("{'op':'insert','table':'QoS','row':{'type':'" + "x".repeat(30_000) + "'}}");
        }
        SocketChannel slow = mute("{\"id\":1,\"method\":\"transact\",\"params\":[\"Open_vSwitch\","
                + "{\"op\":\"select\",\"table\":\"QoS\",\"where\":[],\"columns\":[\"_uuid\",\"type\"]}]}");
        bystander.call("echo", "[]");
        bystander.call("echo", "[]");
        transact("{'op':'update','table':'QoS','where':[],'row':{'type':'new'}}");
        transact("{'op':'delete','table':'QoS','where':[]}");
        List<JsonNode> answers = readAll(slow, "\"result\"");
        assertThat(answers.getFirst().at("/result/0/rows"))
                .hasSize(100)
                .allSatisfy(row -> assertThat(row.get("type").asText()).hasSize(30_000));
    }

    @Test
    void theGreediestIsCutOffByNameBeforeMemoryIsGone() throws IOException {
        SocketChannel modest = mute("{\"id\":1,\"method\":\"echo\",\"params\":[\"" + "x".repeat(500_000));
        List<SocketChannel> greedy = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            greedy.add(mute("{\"id\":1,\"method\":\"echo\",\"params\":[\"" + "x".repeat(2_000_000)));
            bystander.call("echo", "[]");
        }
        awaitLine("cut off");
        assertThat(lines())
                .hasSize(1)
                .first()
                .asString()
                .matches("unix#\\d+: cut off: makes the server hold 3.*limit"
                        + " \\(0 monitors, 0 waiting transactions, 0 locks\\)");
        ByteBuffer rest = ByteBuffer.wrap("\"]}".getBytes(StandardCharsets.US_ASCII));
        modest.write(rest);
        assertThat(readAll(modest, "\"result\"")).hasSize(1);
    }

    @Test
    void whoIsRobbedOverAndOverAndDoesNotReadIsCutOff() throws IOException {
        mute("{\"id\":1,\"method\":\"lock\",\"params\":[\"l\"]}");
        bystander.call("echo", "[]");
        String round = "{\"id\":\"s\",\"method\":\"steal\",\"params\":[\"l\"]}"
                + "{\"id\":\"u\",\"method\":\"unlock\",\"params\":[\"l\"]}";
        for (int rounds = 0; lines().isEmpty() && rounds < 40_000; rounds += 500) {
            bystander.sendRaw(round.repeat(500));
            assertThat(bystander.call("echo", "[]")).isNotNull();
        }
        assertThat(lines())
                .hasSize(1)
                .first()
                .asString()
                .matches("unix#2: cut off: makes the server hold 8.*limit"
                        + " \\(0 monitors, 0 waiting transactions, 1 locks\\)");
    }

    private void awaitLine(String part) {
        while (lines().stream().noneMatch(line -> line.contains(part))) {
            assertThat(bystander.call("echo", "[]")).isNotNull();
        }
    }

    @Test
    void whoNeverSpeaksGivesWayAndWhoSpokeStays() throws IOException {
        List<SocketChannel> silent = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            silent.add(mute(""));
        }
        List<RpcClient> speakers = new ArrayList<>();
        while (speakers.size() < LIMITS.connections() - 1) { // And the bystander.
            RpcClient speaker = new RpcClient(socket);
            assertThat(speaker.call("echo", "[]")).isNotNull();
            speakers.add(speaker);
        }
        for (SocketChannel channel : silent) {
            assertThat(channel.read(ByteBuffer.allocate(1))).as("let go").isEqualTo(-1);
        }
        try (RpcClient oneTooMany = new RpcClient(socket)) {
            assertThat(oneTooMany.call("echo", "[]")).as("refused").isNull();
        }
        try (RpcClient another = new RpcClient(socket)) {
            assertThat(another.call("echo", "[]")).as("refused").isNull();
        }
        for (RpcClient speaker : speakers) {
            assertThat(speaker.call("echo", "[]")).isNotNull();
        }
        assertThat(lines())
                .as("once a minute, not once a client")
                .containsExactly(
                        "unix#2: has never sent a request and gives way to a new client, disconnecting",
                        "punix:" + socket + ": connection exceeded maximum (20)");
        speakers.removeLast().close();
        awaitRoom();
        speakers.forEach(RpcClient::close);
    }

    private void awaitRoom() {
        while (true) {
            try (RpcClient next = new RpcClient(socket)) {
                if (next.call("echo", "[]") != null) {
                    return;
                }
            }
        }
    }

    @Test
    void whomAManagersInactivityProbeIsForIsAsked() {
        String manager = "{'op':'insert','table':'Manager','uuid-name':'m','row':{'target':'punix:" + socket
                + "','inactivity_probe':1000}}";
        assertThat(transact(
                                manager
                                        + ",{'op':'insert','table':'Open_vSwitch','row':{'manager_options':['named-uuid','m']}}")
                        .toString())
                .contains("\"error\":null");
        try (RpcClient silent = new RpcClient(socket)) {
            assertThat(silent.receive().path("method").asText()).isEqualTo("echo");
            assertThat(silent.receive()).as("let go").isNull();
        }
    }

    @Test
    void manySelectsInOneTransactionAreAnsweredOrRefused() {
        String select = "{\"op\":\"select\",\"table\":\"QoS\",\"where\":[]}";
        assertThat(bystander
                        .call("transact", "[\"Open_vSwitch\"," + (select + ",").repeat(10_000) + select + "]")
                        .get("result"))
                .hasSize(10_001);
        assertThat(bystander
                        .call("transact", "[\"Open_vSwitch\"," + (select + ",").repeat(20_000) + select + "]")
                        .toString())
                .contains("resources exhausted");
        transact("{'op':'insert','table':'QoS','row':{}}");
        for (int i = 0; i < 10; i++) {
            transact("{'op':'insert','table':'QoS','row':{}}");
        }
        assertThat(bystander
                        .call("transact", "[\"Open_vSwitch\"," + (select + ",").repeat(10_000) + select + "]")
                        .toString())
                .contains("resources exhausted", "selects more than 100000 rows");
    }
}
