package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfAction.Sample.Direction;
import java.util.OptionalInt;

/** The text of {@code sample(…)}. */
final class SampleText {
    private static final int MOST = 0xffff;

    private SampleText() {}

    static OfAction read(String value, ActionParser parser) throws FlowTextException {
        int probability = 0;
        int collectorSet = 0;
        int domain = 0;
        int point = 0;
        int port = Ports.NONE;
        Direction direction = Direction.DEFAULT;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "probability" -> probability = probability(scanner.value());
                case "collector_set_id" -> collectorSet = Numbers.parse32(scanner.value());
                case "obs_domain_id" -> domain = Numbers.parse32(scanner.value());
                case "obs_point_id" -> point = Numbers.parse32(scanner.value());
                case "sampling_port" -> port = port(scanner.value(), parser);
                case "ingress" -> direction = Direction.INGRESS;
                case "egress" -> direction = Direction.EGRESS;
                default -> throw new FlowTextException("invalid key \"" + scanner.key() + "\" in \"sample\" argument");
            }
        }
        if (probability == 0) {
            throw new FlowTextException("non-zero \"probability\" must be specified on sample");
        }
        return new OfAction.Sample(probability, collectorSet, domain, point, port, direction);
    }

    private static int probability(String value) throws FlowTextException {
        int probability = (int) Numbers.parse("probability", value, MOST);
        if (probability == 0) {
            throw new FlowTextException("invalid probability value \"" + value + "\"");
        }
        return probability;
    }

    private static int port(String value, ActionParser parser) throws FlowTextException {
        OptionalInt port = parser.ports().parse(value);
        if (port.isEmpty()) {
            throw new FlowTextException(value + ": unknown port");
        }
        return port.getAsInt();
    }

    static String print(OfAction.Sample a) {
        StringBuilder text = new StringBuilder("sample(probability=" + a.probability() + ",collector_set_id="
                + Integer.toUnsignedString(a.collectorSetId()) + ",obs_domain_id="
                + Integer.toUnsignedString(a.observationDomainId()) + ",obs_point_id="
                + Integer.toUnsignedString(a.observationPointId()));
        if (a.samplingPort() != Ports.NONE) {
            text.append(",sampling_port=").append(PortNames.format(a.samplingPort()));
        }
        return text.append(
                        switch (a.direction()) {
                            case DEFAULT -> ")";
                            case INGRESS -> ",ingress)";
                            case EGRESS -> ",egress)";
                        })
                .toString();
    }
}
