package io.turnstile.bridge;

import io.turnstile.openflow.ControllerStatus;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The columns in which a Controller row shows its connection. */
final class ControllerColumns {
    private ControllerColumns() {}

    static Map<String, Object> of(ControllerStatus status) {
        Map<String, String> details = new TreeMap<>();
        details.put("state", status.state());
        if (status.lastError() != null) {
            details.put("last_error", status.lastError());
        }
        if (status.secondsSinceConnect() >= 0) {
            details.put("sec_since_connect", Long.toString(status.secondsSinceConnect()));
        }
        if (status.secondsSinceDisconnect() >= 0) {
            details.put("sec_since_disconnect", Long.toString(status.secondsSinceDisconnect()));
        }
        return Map.of(
                "is_connected",
                status.isConnected(),
                "status",
                details,
                "role",
                status.role() == null ? List.of() : status.role());
    }
}
