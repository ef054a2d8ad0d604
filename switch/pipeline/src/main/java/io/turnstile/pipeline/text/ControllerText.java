package io.turnstile.pipeline.text;

import io.turnstile.pipeline.OfAction;
import java.util.ArrayList;
import java.util.List;

/** The text of {@code controller(…)}. */
final class ControllerText {
    static final int MAX_LENGTH = 0xffff;
    /** Packet-in reasons by number. */
    static final List<String> REASONS =
            List.of("no_match", "action", "invalid_ttl", "action_set", "group", "packet_out");

    private static final int REASON_ACTION = 1;

    private ControllerText() {}

    /** What an output to that port means: the whole packet, on behalf of an action. */
    static OfAction.Controller whole() {
        return new OfAction.Controller(MAX_LENGTH, REASON_ACTION, 0);
    }

    static OfAction.Controller read(String value) throws FlowTextException {
        if (value.matches("[0-9]+")) {
            return new OfAction.Controller((int) Numbers.parse("max_len", value, MAX_LENGTH), REASON_ACTION, 0);
        }
        int maxLength = MAX_LENGTH;
        int reason = REASON_ACTION;
        int id = 0;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "max_len" -> maxLength = (int) Numbers.parse("max_len", scanner.value(), MAX_LENGTH);
                case "reason" -> reason = reason(scanner.value());
                case "id" -> id = (int) Numbers.parse("id", scanner.value(), 0xffff);
                case "userdata", "pause", "meter_id" ->
                    throw new FlowTextException("controller(" + scanner.key() + "…) is not supported");
                default ->
                    throw new FlowTextException("unknown key \"" + scanner.key() + "\" parsing controller action");
            }
        }
        return new OfAction.Controller(maxLength, reason, id);
    }

    private static int reason(String name) throws FlowTextException {
        int reason = REASONS.indexOf(name);
        if (reason < 0) {
            throw new FlowTextException("unknown reason \"" + name + "\"");
        }
        return reason;
    }

    static String print(OfAction.Controller a) {
        if (a.reason() == REASON_ACTION && a.controllerId() == 0) {
            return "CONTROLLER:" + a.maxLengthBytes();
        }
        List<String> arguments = new ArrayList<>();
        if (a.reason() != REASON_ACTION) {
            arguments.add("reason=" + REASONS.get(a.reason()));
        }
        if (a.maxLengthBytes() != MAX_LENGTH) {
            arguments.add("max_len=" + a.maxLengthBytes());
        }
        if (a.controllerId() != 0) {
            arguments.add("id=" + a.controllerId());
        }
        return "controller(" + String.join(",", arguments) + ")";
    }
}
