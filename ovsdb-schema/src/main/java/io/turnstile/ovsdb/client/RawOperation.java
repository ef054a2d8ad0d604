package io.turnstile.ovsdb.client;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.databind.JsonNode;
import com.vmware.ovsdb.protocol.operation.Operation;
import java.util.HashMap;
import java.util.Map;

/** An operation that is JSON already, in the library's type. */
final class RawOperation extends Operation {
    private final Map<String, JsonNode> members = new HashMap<>();

    RawOperation(JsonNode operation) {
        super(operation.get("op").asText());
        operation.properties().stream()
                .filter(member -> !member.getKey().equals("op"))
                .forEach(member -> members.put(member.getKey(), member.getValue()));
    }

    @JsonAnyGetter
    public Map<String, JsonNode> members() {
        return members;
    }
}
