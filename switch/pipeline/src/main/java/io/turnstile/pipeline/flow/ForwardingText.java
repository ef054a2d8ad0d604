package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.OptionalInt;

/** The text of actions that say where a packet goes: output and resubmit. */
final class ForwardingText {
    private ForwardingText() {}

    // ---- output ----

    /** To a port, or to the port that a field names. */
    static OfAction readOutput(String value, ActionParser parser) throws FlowTextException {
        if (value.contains("port") && value.contains("max_len")) {
            return readTruncated(value, parser);
        }
        OptionalInt port = parser.ports().parse(value);
        if (port.isPresent()) {
            return toPort(port.getAsInt());
        }
        if (MatchField.named(value.replaceFirst("\\[.*", "")) == null) {
            throw new FlowTextException(value + ": output to unknown port");
        }
        return new OfAction.OutputField(SubFieldText.parse(value).toKey(), ControllerText.MAX_LENGTH);
    }

    private static OfAction readTruncated(String value, ActionParser parser) throws FlowTextException {
        int port = 0;
        int maxLength = 0;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "port" -> port = truncatedPort(scanner.value(), parser);
                case "max_len" -> maxLength = truncatedLength(scanner.value());
                default -> throw new FlowTextException("invalid key '" + scanner.key() + "' in output_trunc argument");
            }
        }
        return new OfAction.OutputTruncated(port, maxLength);
    }

    private static int truncatedPort(String value, ActionParser parser) throws FlowTextException {
        OptionalInt port = parser.ports().parse(value);
        if (port.isEmpty()) {
            throw new FlowTextException("output to unknown truncate port: " + value);
        }
        int number = port.getAsInt();
        boolean reserved = Integer.compareUnsigned(number, Ports.MAX) >= 0;
        if (reserved && number != Ports.LOCAL && number != Ports.IN_PORT) {
            throw new FlowTextException("output to unsupported truncate port: " + value);
        }
        return number;
    }

    private static int truncatedLength(String value) throws FlowTextException {
        int length = Numbers.parse32(value);
        if (Integer.compareUnsigned(length, OfAction.OutputTruncated.LEAST_BYTES) < 0) {
            throw new FlowTextException("max_len " + Integer.toUnsignedString(length)
                    + " is less than the minimum value " + OfAction.OutputTruncated.LEAST_BYTES);
        }
        return length;
    }

    static OfAction toPort(int port) {
        return port == Ports.CONTROLLER ? ControllerText.whole() : new OfAction.Output(port);
    }

    static String print(OfAction.Output a) {
        return Integer.compareUnsigned(a.port(), Ports.MAX) < 0
                ? "output:" + Integer.toUnsignedString(a.port())
                : PortNames.format(a.port());
    }

    static String print(OfAction.OutputTruncated a) {
        return "output(port=" + PortNames.format(a.port()) + ",max_len=" + Integer.toUnsignedString(a.maxLengthBytes())
                + ")";
    }

    // ---- enqueue ----

    /** {@code port:queue} or {@code port,queue}. */
    static OfAction readEnqueue(String value, ActionParser parser) throws FlowTextException {
        String[] parts = value.split("[:,]", 2);
        if (parts.length < 2 || parts[0].isEmpty()) {
            throw new FlowTextException("\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
        }
        OptionalInt port = parser.ports().parse(parts[0].trim());
        if (port.isEmpty()) {
            throw new FlowTextException(parts[0] + ": enqueue to unknown port");
        }
        return new OfAction.Enqueue(port.getAsInt(), Numbers.parse32(parts[1].trim()));
    }

    static String print(OfAction.Enqueue a) {
        return "enqueue:" + PortNames.format(a.port()) + ":" + Integer.toUnsignedString(a.queueId());
    }

    // ---- resubmit ----

    static OfAction readResubmit(String value, ActionParser parser) throws FlowTextException {
        String[] parts = value.split(",", -1);
        int port = Ports.IN_PORT;
        if (!parts[0].isBlank()) {
            OptionalInt named = parser.ports().parse(parts[0].trim());
            if (named.isEmpty()) {
                throw new FlowTextException(parts[0] + ": resubmit to unknown port");
            }
            port = named.getAsInt();
        }
        int table = parts.length > 1 && !parts[1].isBlank() ? table(parts[1].trim()) : OfAction.Resubmit.SAME_TABLE;
        boolean tuple = parts.length > 2 && !parts[2].isBlank();
        if (tuple && !parts[2].trim().equals("ct")) {
            throw new FlowTextException(parts[2] + ": unknown parameter");
        }
        if (port == Ports.IN_PORT && table == OfAction.Resubmit.SAME_TABLE) {
            throw new FlowTextException("at least one \"in_port\" or \"table\" must be specified on resubmit");
        }
        return new OfAction.Resubmit(port, table, tuple);
    }

    static int table(String value) throws FlowTextException {
        return (int) Numbers.parse("table", value, 255);
    }

    static String print(OfAction.Resubmit a) {
        boolean samePort = a.inPort() == Ports.IN_PORT;
        boolean sameTable = a.tableId() == OfAction.Resubmit.SAME_TABLE;
        if (!samePort && sameTable) {
            return "resubmit:" + PortNames.format(a.inPort());
        }
        return "resubmit(" + (samePort ? "" : PortNames.format(a.inPort())) + "," + (sameTable ? "" : a.tableId())
                + (a.withConntrackTuple() ? ",ct" : "") + ")";
    }
}
