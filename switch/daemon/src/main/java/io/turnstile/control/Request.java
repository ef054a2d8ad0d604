package io.turnstile.control;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request of JSON-RPC 1.0: {@code {"method": name, "params": [words], "id": any}}.
 *
 * @param words null if one of the params is no text
 * @param id never JSON's null: that would be a notification, which has no answer
 */
record Request(String method, @Nullable List<String> words, JsonNode id) {}
