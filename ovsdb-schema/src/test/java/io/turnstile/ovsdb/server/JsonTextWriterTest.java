package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class JsonTextWriterTest {
    private static final JsonNodeFactory NODES = OvsdbJson.MAPPER.getNodeFactory();

    @Test
    void textInPiecesSaysTheSameAsTextInOne() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            JsonNode message = random(random, 0);
            String text = inPieces(message, 1 + random.nextInt(40_000));
            assertThat(OvsdbJson.MAPPER.readTree(text).equals(message))
                    .as("seed %d round %d", seed, round)
                    .isTrue();
        }
    }

    private static JsonNode random(Random random, int depth) {
        return switch (random.nextInt(depth > 4 ? 6 : 8)) {
            case 0 -> NODES.numberNode(random.nextLong());
            case 1 -> NODES.numberNode(random.nextGaussian());
            case 2 -> NODES.booleanNode(random.nextBoolean());
            case 3 -> NODES.nullNode();
            case 4 -> NODES.textNode(text(random, 30));
            case 5 -> NODES.textNode(text(random, 30_000));
            case 6 -> {
                ArrayNode array = NODES.arrayNode();
                for (int i = random.nextInt(6); i > 0; i--) {
                    array.add(random(random, depth + 1));
                }
                yield array;
            }
            default -> {
                ObjectNode object = NODES.objectNode();
                for (int i = random.nextInt(6); i > 0; i--) {
                    object.set(text(random, 10), random(random, depth + 1));
                }
                yield object;
            }
        };
    }

    private static String text(Random random, int maxLength) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(maxLength); i > 0; i--) {
            text.append(List.of("a", "\"", "\\", "\n", "\u0001", "ü", "中", "\uD83D\uDE00")
                    .get(random.nextInt(8)));
        }
        return text.toString();
    }

    private static String inPieces(JsonNode message, int bytes) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonTextWriter writer = new JsonTextWriter(message, text);
        while (!writer.write(bytes)) {
            assertThat(text.size()).as("goes on").isPositive();
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatUnfoldsIsMadeAsItIsWritten() throws IOException {
        int[] made = {0};
        Iterator<JsonNode> rows = Stream.generate(() -> {
                    made[0]++;
                    return (JsonNode) NODES.textNode("x".repeat(1000));
                })
                .limit(1000)
                .iterator();
        ObjectNode message = NODES.objectNode().set("rows", Unfolding.array(rows));
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonTextWriter writer = new JsonTextWriter(message, text);
        assertThat(writer.write(50_000)).isFalse();
        assertThat(made[0]).isBetween(40, 70);
        assertThat(text.size()).isBetween(50_000, 70_000);
        assertThat(writer.write(Integer.MAX_VALUE)).isTrue();
        assertThat(OvsdbJson.MAPPER.readTree(text.toByteArray()).get("rows")).hasSize(1000);
    }

    @Test
    void aLongStringIsNotWrittenInOneBreath() throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonTextWriter writer = new JsonTextWriter(NODES.textNode("y".repeat(10_000_000)), text);
        assertThat(writer.write(50_000)).isFalse();
        assertThat(text.size()).isBetween(50_000, 100_000);
    }

    @Test
    void membersUnfoldToo() {
        JsonNode message = Unfolding.object(List.of(
                        Map.entry("one", (JsonNode) NODES.numberNode(1)),
                        Map.entry("none", Unfolding.array(List.<JsonNode>of().iterator())))
                .iterator());
        assertThat(LocalPeer.whole(message)).hasToString("{\"one\":1,\"none\":[]}");
    }
}
