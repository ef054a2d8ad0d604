package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What clients say to a database server, as text, and what it answers, as text that does not depend on chance.
 *
 * <p>A line is {@code CLIENT METHOD PARAMS}; a client connects when it is first named. {@code CLIENT+ METHOD PARAMS}
 * sends a request that is not to be answered yet, {@code CLIENT await} waits for one more message, {@code CLIENT raw
 * TEXT} sends text as it stands, {@code CLIENT close} ends the connection and nothing is awaited. {@code $last} is the
 * newest transaction id that any client was told. After each line every client's echo is awaited, so that everything
 * that came is seen. UUIDs that the script does not spell out are masked, and sets, rows and members sorted.
 */
final class Conversation {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern UUID_TEXT =
            Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    private static final Pattern TWINS =
            Pattern.compile("(.*)First row, with UUID (.*)\\.  Second row, with UUID (.*)\\.");
    private static final String BARRIER = "barrier";
    /** ovsdb-server writes reals with 15 digits, we with as many as it takes to read the same again. */
    private static final MathContext OVSDB_SERVER_DIGITS = new MathContext(15);
    /** What another connection's end sets off may come after the first. */
    private static final int BARRIER_ROUNDS = 2;

    private final Path socket;
    private final List<String> script;
    private final List<String> transcript = new ArrayList<>();
    private final Map<String, RpcClient> clients = new TreeMap<>();
    private String lastTransaction = "";

    private Conversation(Path socket, List<String> script) {
        this.socket = socket;
        this.script = script;
    }

    /** Holds the conversation and returns the script with the answers between its lines. */
    static List<String> hold(Path socket, List<String> script) {
        return new Conversation(socket, script).hold();
    }

    private List<String> hold() {
        try {
            for (String line : script) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    transcript.add(line);
                    say(line.split(" ", 3));
                }
            }
            return transcript;
        } catch (AssertionError e) {
            transcript.add("    " + e.getMessage());
            return transcript;
        } finally {
            clients.values().forEach(RpcClient::close);
        }
    }

    private void say(String[] words) {
        boolean unanswered = words[0].endsWith("+");
        String name = words[0].replace("+", "");
        RpcClient client = clients.computeIfAbsent(name, n -> new RpcClient(socket));
        switch (words[1]) {
            case "raw" -> client.sendRaw(words[2]);
            case "await" -> receiveOne(name);
            case "close" -> {
                clients.remove(name).close();
                return; // Whoever is told of it awaits it.
            }
            default -> {
                int id = client.send(words[1], words[2].replace("$last", lastTransaction));
                if (!unanswered) {
                    receiveUntil(name, "" + id);
                }
            }
        }
        for (int round = 0; round < BARRIER_ROUNDS; round++) {
            new ArrayList<>(clients.keySet()).forEach(other -> {
                clients.get(other).sendRaw("{\"id\":\"" + BARRIER + "\",\"method\":\"echo\",\"params\":[]}");
                receiveUntil(other, BARRIER);
            });
        }
    }

    private JsonNode receiveOne(String name) {
        JsonNode message = clients.get(name).receive();
        if (message == null) {
            transcript.add("    " + name + " is let go");
            clients.remove(name).close();
        } else if (!message.path("id").asText().equals(BARRIER)) {
            remember(message);
            if (message.has("error")
                    && message.path("result").isNull()
                    && !message.get("error").isNull()) {
                ((ObjectNode) message).remove("result"); // JSON-RPC 1.0 wants a null here; ovsdb-server leaves it out.
            }
            String line = "    " + name + " " + show(message);
            transcript.add(message.has("method") ? placeOf(line, name) : transcript.size(), line);
        }
        return message;
    }

    /** Which of a client's monitors is told first is chance: notifications that follow each other are sorted. */
    private int placeOf(String notification, String name) {
        int place = transcript.size();
        while (transcript.get(place - 1).startsWith("    " + name + " {\"id\":null")
                && transcript.get(place - 1).compareTo(notification) > 0) {
            place--;
        }
        return place;
    }

    private void receiveUntil(String name, String id) {
        JsonNode message;
        do {
            message = receiveOne(name);
        } while (message != null
                && (message.has("method") || !message.path("id").asText().equals(id)));
    }

    private void remember(JsonNode message) {
        JsonNode result = message.path("result");
        if (result.path(0).isBoolean() && result.path(1).isTextual()) {
            lastTransaction = result.get(1).asText();
            // Chance with us, all zeros with a standalone ovsdb-server, which forgets at once.
            ((ArrayNode) result).set(1, "<transaction>");
        } else if (message.path("method").asText().equals("update3")) {
            lastTransaction = message.get("params").get(1).asText();
            ((ArrayNode) message.get("params")).set(1, "<transaction>");
        }
    }

    // ---- text that does not depend on chance ----

    private String show(JsonNode message) {
        try {
            return JSON.writeValueAsString(canonical(message, ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode canonical(JsonNode json, String member) {
        if (json.isTextual()) {
            return JsonNodeFactory.instance.textNode(mask(json.asText(), member));
        }
        if (json.isObject()) {
            Map<String, List<JsonNode>> members = new TreeMap<>(); // Several rows may have the same masked UUID.
            json.properties()
                    .forEach(entry -> members.computeIfAbsent(mask(entry.getKey(), ""), key -> new ArrayList<>())
                            .add(canonical(entry.getValue(), entry.getKey())));
            ObjectNode sorted = JsonNodeFactory.instance.objectNode();
            members.forEach((key, values) -> {
                values.sort(Comparator.comparing(JsonNode::toString));
                for (int i = 0; i < values.size(); i++) {
                    sorted.set(i == 0 ? key : key + " " + (i + 1), values.get(i));
                }
            });
            return sorted;
        }
        if (json.isArray()) {
            List<JsonNode> items = new ArrayList<>();
            json.forEach(item -> items.add(canonical(item, "")));
            boolean unordered = member.equals("rows")
                    || items.size() == 2
                            && items.get(1).isArray()
                            && (items.get(0).asText().equals("set")
                                    || items.get(0).asText().equals("map"));
            if (unordered && member.equals("rows")) {
                items.sort(Comparator.comparing(JsonNode::toString));
            } else if (unordered) {
                List<JsonNode> members = new ArrayList<>();
                items.get(1).forEach(members::add);
                members.sort(Comparator.comparing(JsonNode::toString));
                items.set(1, JsonNodeFactory.instance.arrayNode().addAll(members));
            }
            return new ArrayNode(JsonNodeFactory.instance, items);
        }
        return json.isDouble()
                ? JsonNodeFactory.instance.textNode(new BigDecimal(json.asDouble())
                        .round(OVSDB_SERVER_DIGITS)
                        .stripTrailingZeros()
                        .toPlainString())
                : json;
    }

    /** Which of two rows with one index value is the first is chance. */
    private static String inOrder(String details) {
        Matcher twins = TWINS.matcher(details);
        return twins.matches() && twins.group(2).compareTo(twins.group(3)) > 0
                ? twins.group(1) + "First row, with UUID " + twins.group(3) + ".  Second row, with UUID "
                        + twins.group(2) + "."
                : details;
    }

    private String mask(String text, String member) {
        String masked = UUID_TEXT
                .matcher(text)
                .replaceAll(found -> script.stream().anyMatch(line -> line.contains(found.group()))
                                || found.group().startsWith("00000000")
                        ? found.group()
                        : "<uuid>");
        return member.equals("details") ? inOrder(masked.replaceAll("after \\d+ ms", "after <n> ms")) : masked;
    }
}
