package io.turnstile.pipeline;

import io.turnstile.pipeline.text.FlowText;
import java.util.List;

/** Single lines of a trace, in the words of {@code ofproto/trace}. */
final class TraceText {
    private TraceText() {
    }

    static String bridgeLine(String name) {
        return "bridge(\"" + name + "\")";
    }

    /**
     * @param rule     null for a miss
     * @param packetIn whether the miss goes to the controllers
     */
    static String tableLine(int tableId, Rule rule, boolean packetIn) {
        String number = String.format("%2d. ", tableId);
        if (rule == null) {
            return number + (packetIn ? "No match, and a \"packet-in\" is called for." : "No match.");
        }
        String fields = FlowText.format(rule.match);
        return number + (fields.isEmpty() ? "" : fields + ", ") + "priority " + rule.priority
                + (rule.cookie == 0 ? "" : ", cookie 0x" + Long.toHexString(rule.cookie));
    }

    static String action(OfAction action) {
        return FlowText.format(List.of(action));
    }
}
