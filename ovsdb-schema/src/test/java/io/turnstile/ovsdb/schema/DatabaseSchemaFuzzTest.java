package io.turnstile.ovsdb.schema;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any JSON as a schema: it is refused in words, or comes back as it was read. */
class DatabaseSchemaFuzzTest {

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "{\"name\":\"T\",\"version\":\"1.0.0\",\"cksum\":\"1 2\",\"tables\":{\"A\":{\"isRoot\":true,\"maxRows\":1,"
                                + "\"indexes\":[[\"n\"]],\"columns\":{\"n\":{\"type\":\"string\",\"ephemeral\":true,\"mutable\":false},"
                                + "\"e\":{\"type\":{\"key\":{\"type\":\"string\",\"enum\":[\"set\",[\"a\",\"b\"]]},\"min\":0,\"max\":1}},"
                                + "\"m\":{\"type\":{\"key\":{\"type\":\"integer\",\"minInteger\":0,\"maxInteger\":9},"
                                + "\"value\":{\"type\":\"uuid\",\"refTable\":\"A\",\"refType\":\"weak\"},\"min\":0,\"max\":\"unlimited\"}}}}}}",
                        "{\"name\":\"T\",\"tables\":{\"A\":{\"columns\":{\"r\":{\"type\":{\"key\":{\"type\":\"real\",\"minReal\":0.5}}}}}}}")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void schemaComesBackAsItWasRead(byte[] input) throws JsonProcessingException {
        DatabaseSchema schema;
        try {
            schema = DatabaseSchema.fromJson(OvsdbJson.MAPPER.readTree(new String(input, StandardCharsets.UTF_8)));
        } catch (JsonProcessingException | SchemaException | IllegalArgumentException refused) {
            assertThat(refused.getMessage()).isNotEmpty();
            return;
        }
        JsonNode written = schema.toJson();
        assertThat(DatabaseSchema.fromJson(written).toJson()).isEqualTo(written);
    }
}
