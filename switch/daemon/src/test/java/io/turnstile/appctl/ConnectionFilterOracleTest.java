package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.control.CommandReply;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The filters of dump, flush and dry run against an oracle that reads the words as a person would, digit by digit, over
 * random connections.
 */
class ConnectionFilterOracleTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, Integer> PROTOCOLS = Map.of("tcp", 6, "udp", 17, "icmp", 1, "icmpv6", 58);
    private static final int CONNECTIONS = 300;
    private static final int FILTERS = 600;

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 4096);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ConntrackCommands commands =
            new ConntrackCommands(tracker, dispatcher, dispatcher.paths(), clock, () -> "dummy@ovs-dummy");
    private final Random random = new Random(20_261_129);

    @AfterEach
    void close() {
        dispatcher.close();
    }

    // ---- connections ----

    private void fill() {
        while (tracker.connectionCount() < CONNECTIONS) {
            boolean ipv6 = random.nextInt(3) == 0;
            String source = address(ipv6);
            String destination = address(ipv6);
            String withPorts = end(source, ipv6) + " > " + end(destination, ipv6);
            Frame frame = switch (random.nextInt(3)) {
                case 0 -> Frames.tcp(withPorts).syn();
                case 1 -> Frames.udp(withPorts).payload(8);
                default -> Frames.echoRequest(source + " > " + destination, 1 + random.nextInt(5));
            };
            CtRequest commit = new CtRequest(
                    random.nextInt(3),
                    true,
                    false,
                    random.nextInt(8),
                    random.nextBoolean() ? 7 : 0,
                    random.nextInt(4),
                    random.nextInt(4),
                    random.nextBoolean() ? 3 : 0,
                    random.nextBoolean() ? 3 : 0);
            track(frame, commit);
            if (random.nextBoolean() && withPorts.contains(":")) {
                track(frame.reply(), CtRequest.lookup(commit.zone()));
            }
        }
    }

    private void track(Frame frame, CtRequest request) {
        PacketBatch batch = new PacketBatch();
        batch.add(frame.packet());
        tracker.track(batch, request, clock.nowNs());
    }

    private String address(boolean ipv6) {
        return ipv6
                ? "fc00:" + random.nextInt(2) + "::" + random.nextInt(2) + ":" + (1 + random.nextInt(2))
                : "10." + random.nextInt(2) + ".0." + (1 + random.nextInt(3));
    }

    private String end(String address, boolean ipv6) {
        return (ipv6 ? "[" + address + "]" : address) + ":" + (1 + random.nextInt(5));
    }

    // ---- filters ----

    private List<String> randomWords(JsonNode like) {
        List<String> words = new ArrayList<>();
        if (random.nextInt(3) == 0) {
            words.add("zone=" + random.nextInt(3));
        }
        if (random.nextInt(4) == 0) {
            words.add("mark=" + random.nextInt(8) + (random.nextBoolean() ? "" : "/0x" + random.nextInt(8)));
        }
        if (random.nextInt(5) == 0) {
            words.add("labels=0x" + random.nextInt(4) + "000000000000000" + random.nextInt(4)
                    + (random.nextBoolean() ? "" : "/0x" + random.nextInt(4) + "000000000000000" + random.nextInt(4)));
        }
        if (random.nextInt(5) == 0) {
            words.add("state="
                    + List.of("SYN_SENT", "established", "SYN_SENT,ESTABLISHED", "CLOSED")
                            .get(random.nextInt(4)));
        }
        int tuples = random.nextInt(3);
        for (int i = 0; i < tuples; i++) {
            words.add(random.nextInt(4) == 0 ? "" : tuple(like, i == 0 ? "orig" : "reply"));
        }
        return words;
    }

    private String tuple(JsonNode like, String which) {
        JsonNode tuple = like.path(which);
        String family = tuple.path("src").asText().contains(":") ? "ct_ipv6" : "ct_nw";
        List<String> fields = new ArrayList<>();
        boolean whole = random.nextInt(4) == 0;
        boolean protocol = whole || random.nextBoolean();
        if (protocol) {
            fields.add("ct_nw_proto=" + PROTOCOLS.get(like.path("proto").asText()));
        }
        for (String end : List.of("src", "dst")) {
            if (whole || random.nextBoolean()) {
                fields.add(family + "_" + end + "=" + tuple.path(end).asText() + (whole ? "" : mask(family)));
            }
            if (protocol && tuple.has("sport") && (whole || random.nextInt(3) == 0)) {
                fields.add("ct_tp_" + end + "="
                        + tuple.path(end.charAt(0) + "port").asInt()
                        + (whole || random.nextBoolean() ? "" : "/0x" + random.nextInt(8)));
            }
        }
        if (protocol && tuple.has("type")) {
            for (String field : List.of("id", "type", "code")) {
                if (random.nextBoolean()) {
                    fields.add("icmp_" + field + "="
                            + (random.nextInt(4) == 0 ? 0 : tuple.path(field).asInt()));
                }
            }
        }
        return String.join(",", fields);
    }

    private String mask(String family) {
        boolean ipv6 = family.equals("ct_ipv6");
        return switch (random.nextInt(4)) {
            case 0 -> "/" + random.nextInt(ipv6 ? 129 : 33);
            case 1 -> ipv6 ? "/ffff:0:ffff::1" : "/255.0.0.1";
            default -> "";
        };
    }

    // ---- the oracle ----

    private static boolean selects(List<String> words, JsonNode connection) {
        List<String> tuples = words.stream()
                .filter(word -> !word.matches("(zone|mark|labels|state)=.*"))
                .toList();
        boolean named = namesOne(words, tuples);
        boolean anyZone = words.stream().noneMatch(word -> word.startsWith("zone="));
        if (named && anyZone && connection.path("zone").asInt() != 0) {
            return false;
        }
        for (String word : words) {
            String value = word.substring(word.indexOf('=') + 1);
            boolean fits = switch (word.replaceFirst("=.*", "")) {
                case "zone" -> connection.path("zone").asText().equals(value);
                case "mark" -> masked(value, connection.path("mark").asText(), 32);
                case "labels" -> masked(value, connection.path("labels").asText("0"), 128);
                case "state" ->
                    Arrays.asList(value.split(",")).stream()
                            .anyMatch(connection.path("state").asText()::equalsIgnoreCase);
                default -> true;
            };
            if (!fits) {
                return false;
            }
        }
        String first = tuples.isEmpty() ? "" : tuples.getFirst();
        String second = tuples.size() < 2 ? "" : tuples.get(1);
        int protocol = Math.max(protocol(first), protocol(second));
        boolean sameFamily = Arrays.stream((first + "," + second).split(","))
                .allMatch(field -> !field.startsWith("ct_nw_src")
                                && !field.startsWith("ct_nw_dst")
                                && !field.startsWith("ct_ipv6")
                        || field.startsWith("ct_ipv6")
                                == connection.path("orig").path("src").asText().contains(":"));
        if (!sameFamily
                || protocol != 0
                        && protocol != PROTOCOLS.get(connection.path("proto").asText())) {
            return false;
        }
        if (named) {
            return has(first, connection.path("orig"), protocol) || has(first, connection.path("reply"), protocol);
        }
        return has(first, connection.path("orig"), protocol) && has(second, connection.path("reply"), protocol);
    }

    /** As Open vSwitch has it: a whole tuple without anything else, of which no part is zero; of ICMP with the id. */
    private static boolean namesOne(List<String> words, List<String> tuples) {
        if (tuples.isEmpty()
                || words.stream()
                        .anyMatch(word -> word.startsWith("state=")
                                || word.startsWith("mark=") && isMarked(word, 32)
                                || word.startsWith("labels=") && isMarked(word, 128))) {
            return false;
        }
        if (tuples.size() > 1 && saysMoreThanTheProtocol(tuples.get(1))) {
            return false;
        }
        String whole = tuples.getFirst();
        boolean icmp = protocol(whole) == 1
                || protocol(whole) == 58
                || tuples.size() > 1 && (protocol(tuples.get(1)) == 1 || protocol(tuples.get(1)) == 58);
        boolean addresses = whole.matches(".*(nw|ipv6)_src=.*") && whole.matches(".*(nw|ipv6)_dst=.*");
        boolean ports = whole.contains("tp_src=") && whole.contains("tp_dst=");
        boolean masks = Arrays.stream(whole.split(",")).anyMatch(field -> field.contains("/") && !isExact(field));
        return addresses && (icmp ? whole.contains("icmp_id=") : ports) && !masks;
    }

    /** Under a mask of no bits nothing is said. */
    private static boolean saysMoreThanTheProtocol(String tuple) {
        return Arrays.stream(tuple.split(","))
                .anyMatch(field ->
                        field.contains("=") && !field.startsWith("ct_nw_proto=") && !field.matches(".*/0(x0)?"));
    }

    /** A mask that says nothing but the value itself. */
    private static boolean isExact(String field) {
        return field.matches("ct_nw_.*/32") || field.matches("ct_ipv6_.*/128");
    }

    private static boolean isMarked(String word, int bits) {
        return !word.contains("/") || number(word.replaceFirst(".*/", "")).signum() != 0 && bits > 0;
    }

    private static int protocol(String tuple) {
        return Arrays.stream(tuple.split(","))
                .filter(field -> field.startsWith("ct_nw_proto="))
                .mapToInt(field -> Integer.parseInt(field.substring(12)))
                .findFirst()
                .orElse(0);
    }

    private static boolean has(String tuple, JsonNode of, int protocol) {
        Map<String, String> fields = Arrays.stream(tuple.split(","))
                .filter(field -> field.contains("="))
                .collect(Collectors.toMap(
                        field -> field.replaceFirst("=.*", ""), field -> field.replaceFirst(".*=", "")));
        for (Map.Entry<String, String> field : fields.entrySet()) {
            String end = field.getKey().substring(field.getKey().length() - 3);
            boolean fits = switch (field.getKey()) {
                case "ct_nw_src", "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst" ->
                    addressFits(field.getValue(), of.path(end).asText());
                case "ct_tp_src", "ct_tp_dst" ->
                    masked(field.getValue(), of.path(end.charAt(0) + "port").asText("0"), 16);
                case "icmp_id", "icmp_type", "icmp_code" ->
                    of.path(field.getKey().substring(5)).asText().equals(field.getValue());
                default -> true;
            };
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    private static boolean masked(String wanted, String value, int bits) {
        String[] both = wanted.split("/");
        String mask = both.length > 1 ? binary(number(both[1]), bits) : "1".repeat(bits);
        return equalWhere(mask, binary(number(both[0]), bits), binary(number(value), bits));
    }

    private static BigInteger number(String text) {
        return text.startsWith("0x") ? new BigInteger(text.substring(2), 16) : new BigInteger(text);
    }

    private static String binary(BigInteger number, int bits) {
        String digits = number.toString(2);
        return "0".repeat(bits - digits.length()) + digits;
    }

    private static boolean addressFits(String wanted, String address) {
        String[] both = wanted.split("/");
        String bits = addressBits(address);
        String mask = both.length == 1
                ? "1".repeat(bits.length())
                : both[1].matches("\\d+")
                        ? "1".repeat(Integer.parseInt(both[1])) + "0".repeat(bits.length() - Integer.parseInt(both[1]))
                        : addressBits(both[1]);
        return equalWhere(mask, addressBits(both[0]), bits);
    }

    private static String addressBits(String address) {
        byte[] bytes = InetAddress.ofLiteral(address).getAddress();
        return binary(new BigInteger(1, bytes), bytes.length * 8);
    }

    private static boolean equalWhere(String mask, String one, String other) {
        return IntStream.range(0, mask.length())
                .allMatch(i -> mask.charAt(i) == '0' || one.charAt(i) == other.charAt(i));
    }

    // ---- the test ----

    private CommandReply run(String command, List<String> words) {
        return commands.commands().stream()
                .filter(row -> row.name().equals(command))
                .findFirst()
                .orElseThrow()
                .handler()
                .apply(words)
                .join()
                .whole();
    }

    private Map<String, JsonNode> dump(List<String> words) {
        List<String> all = new ArrayList<>(List.of("-m", "-f", "json"));
        all.addAll(words);
        CommandReply reply = run("dpctl/dump-conntrack", all);
        assertThat(reply.isError()).as("%s: %s", words, reply.text()).isFalse();
        return reply.text()
                .lines()
                .map(ConnectionFilterOracleTest::parse)
                .collect(Collectors.toMap(
                        node -> node.path("connection").asText(), node -> node, (a, b) -> a, TreeMap::new));
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        }
    }

    @Test
    void dumpDryRunAndFlushSelectWhatAPersonWould() {
        fill();
        int selected = 0;
        int flushed = 0;
        for (int round = 0; round < FILTERS; round++) {
            Map<String, JsonNode> before = dump(List.of());
            List<JsonNode> nodes = List.copyOf(before.values());
            List<String> words = randomWords(nodes.get(random.nextInt(nodes.size())));
            Predicate<JsonNode> oracle = node -> selects(words, node);
            List<String> expected = before.entrySet().stream()
                    .filter(entry -> oracle.test(entry.getValue()))
                    .map(Map.Entry::getKey)
                    .toList();
            assertThat(dump(words).keySet()).as("round %d: %s", round, words).containsExactlyElementsOf(expected);
            List<String> dryWords = new ArrayList<>(words);
            dryWords.addFirst("--dry-run");
            assertThat(run("dpctl/flush-conntrack", dryWords).text())
                    .isEqualTo(expected.size() + (expected.size() == 1 ? " connection" : " connections")
                            + " would be removed");
            assertThat(tracker.connectionCount()).isEqualTo(before.size());
            selected += expected.isEmpty() ? 0 : 1;
            if (!expected.isEmpty() && expected.size() < 20) {
                assertThat(run("dpctl/flush-conntrack", words)).isEqualTo(CommandReply.ok());
                before.keySet().removeAll(expected);
                assertThat(dump(List.of()).keySet()).containsExactlyElementsOf(before.keySet());
                flushed += expected.size();
                fill();
            }
        }
        assertThat(selected).isGreaterThan(FILTERS / 4);
        assertThat(flushed).isGreaterThan(CONNECTIONS);
    }

    @Test
    void aLimitIsHeldByDumpAndFlush() {
        fill();
        assertThat(dump(List.of("limit=7"))).hasSize(7);
        assertThat(run("dpctl/flush-conntrack", List.of("--dry-run", "limit=7")).text())
                .isEqualTo("7 connections would be removed");
        run("dpctl/flush-conntrack", List.of("limit=7"));
        assertThat(tracker.connectionCount()).isEqualTo(CONNECTIONS - 7);
    }

    @Test
    void openVswitchsOwnWordsStayAsTheyAre() {
        fill();
        assertThat(dump(List.of("dummy@ovs-dummy", "zone=2")).values())
                .isNotEmpty()
                .allMatch(node -> node.path("zone").asInt() == 2);
        assertThat(run("dpctl/dump-conntrack", List.of("foo")).text())
                .isEqualTo("ovs-vswitchd: datapath not found (Invalid argument)");
        assertThat(run("dpctl/dump-conntrack", List.of("zone=x")).text())
                .isEqualTo("ovs-vswitchd: datapath not found (Invalid argument)");
        assertThat(run("dpctl/dump-conntrack", List.of("zone=1", "state=x")).text())
                .isEqualTo("ovs-vswitchd: failed to parse state (Invalid argument)");
        assertThat(run("dpctl/dump-conntrack", List.of("-f", "xml")).text())
                .isEqualTo("ovs-vswitchd: the format is text or json (Invalid argument)");
        assertThat(run("dpctl/ct-stats-show", List.of("-f", "json")).text()).isEqualTo("Unrecognized option -f");
    }
}
