package io.turnstile.bridge;

import java.util.Map;

/** The columns in which a Datapath row shows its datapath. */
final class DatapathColumns {
    private static final Map<String, String> CAPABILITIES = DatapathFeature.capabilities();

    private DatapathColumns() {}

    static Map<String, Object> all() {
        return Map.of("capabilities", CAPABILITIES);
    }
}
