package io.turnstile.pipeline.flow;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/** The text of {@code controller(…)}. */
final class ControllerText {
    static final int MAX_LENGTH = 0xffff;

    private ControllerText() {}

    /** What an output to that port means: the whole packet, on behalf of an action. */
    static OfAction.Controller whole() {
        return new OfAction.Controller(MAX_LENGTH, PacketInReason.ACTION, 0);
    }

    static OfAction.Controller read(String value) throws FlowTextException {
        if (value.matches("[0-9]+")) {
            return new OfAction.Controller((int) Numbers.parse("max_len", value, MAX_LENGTH), PacketInReason.ACTION, 0);
        }
        int maxLength = MAX_LENGTH;
        PacketInReason reason = PacketInReason.ACTION;
        int id = 0;
        List<Byte> userdata = List.of();
        boolean pause = false;
        int meterId = OfAction.Controller.NO_METER;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "max_len" -> maxLength = (int) Numbers.parse("max_len", scanner.value(), MAX_LENGTH);
                case "reason" -> reason = reason(scanner.value());
                case "id" -> id = (int) Numbers.parse("id", scanner.value(), 0xffff);
                case "userdata" -> userdata = userdata(scanner.value());
                case "pause" -> pause = true;
                case "meter_id" -> meterId = Numbers.parse32(scanner.value());
                default ->
                    throw new FlowTextException("unknown key \"" + scanner.key() + "\" parsing controller action");
            }
        }
        return new OfAction.Controller(maxLength, reason, id, userdata, pause, meterId);
    }

    /** Pairs of digits, with blanks and points between them. */
    private static List<Byte> userdata(String value) throws FlowTextException {
        String digits = value.replaceAll("[\\s.]", "");
        if (digits.length() % 2 != 0 || !digits.matches("[0-9a-fA-F]*")) {
            throw new FlowTextException("bad hex digit in `controller' action `userdata'");
        }
        List<Byte> bytes = new ArrayList<>();
        for (byte one : HexFormat.of().parseHex(digits)) {
            bytes.add(one);
        }
        return List.copyOf(bytes);
    }

    private static PacketInReason reason(String name) throws FlowTextException {
        return PacketInReason.named(name).orElseThrow(() -> new FlowTextException("unknown reason \"" + name + "\""));
    }

    static String print(OfAction.Controller a) {
        if (a.isPlain()) {
            return "CONTROLLER:" + a.maxLengthBytes();
        }
        List<String> arguments = new ArrayList<>();
        if (a.reason() != PacketInReason.ACTION) {
            arguments.add("reason=" + a.reason().label());
        }
        if (a.maxLengthBytes() != MAX_LENGTH) {
            arguments.add("max_len=" + a.maxLengthBytes());
        }
        if (a.controllerId() != 0) {
            arguments.add("id=" + a.controllerId());
        }
        if (!a.userdata().isEmpty()) {
            arguments.add("userdata="
                    + a.userdata().stream()
                            .map(one -> HexFormat.of().toHexDigits(one))
                            .collect(Collectors.joining(".")));
        }
        if (a.pause()) {
            arguments.add("pause");
        }
        if (a.meterId() != OfAction.Controller.NO_METER) {
            arguments.add("meter_id=" + Integer.toUnsignedString(a.meterId()));
        }
        return "controller(" + String.join(",", arguments) + ")";
    }
}
