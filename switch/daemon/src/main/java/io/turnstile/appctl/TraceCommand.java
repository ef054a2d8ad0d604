package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.FlowSyntaxException;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.Trace;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code ofproto/trace} (ovs-vswitchd(8)): of a datapath flow, or of a bridge's OpenFlow flow, with or without the
 * packet itself.
 */
final class TraceCommand {
    private final Pipeline pipeline;
    private final Datapath datapath;
    private final DatapathName name;

    TraceCommand(Pipeline pipeline, Datapath datapath, DatapathName name) {
        this.pipeline = pipeline;
        this.datapath = datapath;
        this.name = name;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "ofproto/trace",
                        "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]",
                        1,
                        Command.ANY_NUMBER,
                        words -> trace(words, null)),
                Command.of(
                        "ofproto/trace-packet-out",
                        "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions",
                        2,
                        Command.ANY_NUMBER,
                        this::tracePacketOut));
    }

    private CommandReply tracePacketOut(List<String> words) {
        try {
            return trace(words.subList(0, words.size() - 1), FlowText.parseActions(words.getLast()));
        } catch (FlowTextException e) {
            return CommandReply.error(String.valueOf(e.getMessage()));
        }
    }

    /** @param packetOut the actions to begin with; null to begin with a table */
    private CommandReply trace(List<String> words, @Nullable List<OfAction> packetOut) {
        try {
            Trace trace = begin(TraceArguments.parse(words), packetOut);
            return CommandReply.ofSource(trace::next);
        } catch (BadArgument e) {
            return CommandReply.error(e.getMessage());
        }
    }

    private Trace begin(TraceArguments arguments, @Nullable List<OfAction> packetOut) throws BadArgument {
        List<String> named = new ArrayList<>(arguments.named());
        byte[] frame = null;
        if (!arguments.generate() && named.size() > 1) {
            Optional<byte[]> given = HexFrame.parse(named.getLast());
            if (given.isPresent()) {
                frame = given.get();
                named.removeLast();
            } else if (named.size() > 2) {
                throw new BadArgument(HexFrame.fault(named.getLast()));
            }
        }
        if (named.isEmpty() || named.size() > 2) {
            throw new BadArgument("Syntax error");
        }
        String flow = named.getLast();
        FlowMatchParser.Parsed parsed;
        try {
            parsed = FlowMatchParser.parse(flow, this::datapathPort);
        } catch (FlowSyntaxException e) {
            if (named.size() == 1) {
                throw new BadArgument(e.getMessage() + " (or the bridge name was omitted)");
            }
            return beginAtBridge(named.getFirst(), flow, frame, arguments, packetOut);
        }
        if (named.size() == 2 && !name.isMeantBy(named.getFirst())) {
            throw new BadArgument("Cannot find the datapath");
        }
        long[] key = withPacket(parsed.key(), frame);
        if (packetOut != null) {
            check(packetOut, pipeline.entry(key), key, arguments.consistent());
        }
        Trace trace = pipeline.beginTrace(key, options(key, frame, arguments, packetOut));
        if (trace == null) {
            throw new BadArgument(noWayIn(key));
        }
        return trace;
    }

    private static String noWayIn(long[] key) {
        long recirculation = Field.RECIRC_ID.get(key);
        return recirculation == 0
                ? "no OpenFlow port for datapath port " + Field.IN_PORT.get(key)
                : "no recirculation data for recirc_id 0x" + Long.toHexString(recirculation);
    }

    private static void check(List<OfAction> packetOut, @Nullable BridgePipeline bridge, long[] key, boolean strict)
            throws BadArgument {
        try {
            if (bridge != null) {
                bridge.checkPacketOut(packetOut, key, strict);
            }
        } catch (OfException e) {
            throw new BadArgument("Bad actions: " + e.code());
        }
    }

    private Trace beginAtBridge(
            String bridgeName,
            String flowText,
            byte @Nullable [] frame,
            TraceArguments arguments,
            @Nullable List<OfAction> packetOut)
            throws BadArgument {
        BridgePipeline bridge = pipeline.bridge(bridgeName);
        if (bridge == null) {
            throw new BadArgument(bridgeName + ": unknown bridge");
        }
        try {
            Match flow = FlowText.parseMatch(flowText, port -> portNumber(bridge, port));
            int inPort = flow.matchesOn(Field.IN_PORT) ? (int) flow.value(Field.IN_PORT) : OfAction.Ports.NONE;
            long[] key = withPacket(flow.copyOfValue(), frame);
            if (packetOut != null) {
                check(packetOut, bridge, key, arguments.consistent());
            }
            return pipeline.beginTrace(bridge, inPort, key, options(key, frame, arguments, packetOut));
        } catch (FlowTextException e) {
            throw new BadArgument("Bad openflow flow syntax: " + flowText + ": " + e.getMessage());
        }
    }

    /** The key of a frame, with what the flow says of it beside the frame; the flow's own if there is no frame. */
    private static long[] withPacket(long[] flow, byte @Nullable [] frame) throws BadArgument {
        if (frame == null) {
            return flow;
        }
        Packet packet = packet(frame);
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        for (Field field : Field.values()) {
            if (field.isOfDatapath() && !field.layer().isInPacket()) {
                field.set(key, field.getHigh(flow), field.get(flow));
            }
        }
        return key;
    }

    private static Packet packet(byte[] frame) throws BadArgument {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet)) {
            throw new BadArgument("Packet data too short for Ethernet");
        }
        return packet;
    }

    private Trace.Options options(
            long[] key, byte @Nullable [] frame, TraceArguments arguments, @Nullable List<OfAction> packetOut)
            throws BadArgument {
        Packet packet = null;
        if (frame != null) {
            packet = packet(frame);
        } else if (arguments.generate()) {
            packet = packet(FlowComposer.compose(key, arguments.payload()));
        }
        IntFunction<String> names = arguments.names() ? this::portName : Integer::toString;
        return new Trace.Options(arguments.ctStates(), names, packet, packetOut);
    }

    private String portName(int number) {
        var port = datapath.port(number);
        return port == null ? Integer.toString(number) : port.name();
    }

    private int datapathPort(String wanted) {
        return datapath.ports().entrySet().stream()
                .filter(entry -> entry.getValue().name().equals(wanted))
                .mapToInt(Map.Entry::getKey)
                .findFirst()
                .orElse(-1);
    }

    /** The port of that name; empty if the bridge has none. */
    static OptionalInt portNumber(BridgePipeline bridge, String name) {
        return bridge.ports().stream()
                .filter(port -> port.name().equals(name))
                .mapToInt(OfPort::number)
                .findFirst();
    }
}
