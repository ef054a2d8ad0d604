package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The text of groups, as {@code ovs-ofctl add-group} and its like take it. */
public final class GroupText {
    private static final String BUCKETS = "bucket=";

    private GroupText() {}

    /** Reads {@code group_id=1,type=select,bucket=weight:2,actions=output:1,bucket=output:2}. */
    public static GroupMod parse(GroupMod.Command command, String text) throws FlowTextException {
        return parse(command, text, PortNames.NONE);
    }

    /** The same with names of ports. */
    public static GroupMod parse(GroupMod.Command command, String text, PortNames ports) throws FlowTextException {
        int at = text.indexOf(BUCKETS);
        Head head = new Head(command, ports);
        head.read(at < 0 ? text : text.substring(0, at));
        List<GroupBucket> buckets = new ArrayList<>();
        if (at >= 0) {
            for (String bucket : text.substring(at + BUCKETS.length()).split(BUCKETS, -1)) {
                buckets.add(bucket(bucket, head.type, ports));
            }
        }
        return head.build(numbered(buckets));
    }

    /** The lowest free ids, in turn, for buckets that have none. */
    private static List<GroupBucket> numbered(List<GroupBucket> buckets) {
        Set<Integer> taken = new HashSet<>();
        buckets.forEach(bucket -> taken.add(bucket.bucketId()));
        List<GroupBucket> all = new ArrayList<>();
        int next = 0;
        for (GroupBucket bucket : buckets) {
            if (bucket.bucketId() != GroupBucket.ALL) {
                all.add(bucket);
                continue;
            }
            while (!taken.add(next)) {
                next++;
            }
            all.add(new GroupBucket(next, bucket.weight(), bucket.watchPort(), bucket.watchGroup(), bucket.actions()));
        }
        return List.copyOf(all);
    }

    private static GroupBucket bucket(String text, GroupType type, PortNames ports) throws FlowTextException {
        int id = GroupBucket.ALL;
        int weight = GroupBucket.defaultWeight(type);
        int watchPort = Ports.NONE;
        int watchGroup = GroupMod.ANY;
        StringBuilder actions = new StringBuilder();
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            String value = scanner.value();
            switch (scanner.key()) {
                case "bucket_id" -> id = Numbers.parse32(value);
                case "weight" -> weight = (int) Numbers.parse("weight", value, 0xffff);
                case "watch_port" -> watchPort = port(value, ports);
                case "watch_group" -> watchGroup = groupId(value);
                case "action", "actions" -> actions.append(value).append(',');
                default ->
                    actions.append(scanner.key())
                            .append(value.isEmpty() ? "" : "(" + value + ")")
                            .append(',');
            }
        }
        if (actions.isEmpty()) {
            throw new FlowTextException("bucket must specify actions");
        }
        return new GroupBucket(id, weight, watchPort, watchGroup, FlowText.parseActions(actions.toString(), ports));
    }

    private static int port(String value, PortNames ports) throws FlowTextException {
        OptionalInt port = ports.parse(value);
        if (port.isEmpty()) {
            throw new FlowTextException(value + ": invalid watch_port");
        }
        return port.getAsInt();
    }

    /** A number, {@code all} or {@code any}. */
    static int groupId(String text) throws FlowTextException {
        return switch (text) {
            case "all", "ALL" -> GroupMod.ALL;
            case "any", "ANY" -> GroupMod.ANY;
            default -> Numbers.parse32(text);
        };
    }

    /** What stands in front of the buckets. */
    private static final class Head {
        private final GroupMod.Command command;
        private final PortNames ports;
        private GroupType type = GroupType.ALL;
        private int id = GroupMod.ALL;
        private int commandBucket = GroupBucket.ALL;
        private SelectionMethod.@Nullable Method method;
        private long parameter;
        private final List<SelectionMethod.HashedField> fields = new ArrayList<>();

        Head(GroupMod.Command command, PortNames ports) {
            this.command = command;
            this.ports = ports;
        }

        void read(String text) throws FlowTextException {
            KeyValueScanner scanner = new KeyValueScanner(text);
            while (scanner.next()) {
                keyword(scanner.key(), scanner.value());
            }
        }

        private void keyword(String key, String value) throws FlowTextException {
            switch (key) {
                case "group_id" -> id = groupId(value);
                case "type" -> type = typeNamed(value);
                case "command_bucket_id" ->
                    commandBucket = switch (value) {
                        case "first" -> GroupBucket.FIRST;
                        case "last" -> GroupBucket.LAST;
                        case "all" -> GroupBucket.ALL;
                        default -> Numbers.parse32(value);
                    };
                case "selection_method" -> {
                    method = SelectionMethod.Method.named(value);
                    if (method == null) {
                        throw new FlowTextException("selection method " + value);
                    }
                }
                case "selection_method_param" -> parameter = Numbers.parse64(value);
                case "fields" -> fields(value);
                default -> throw new FlowTextException("unknown keyword " + key);
            }
        }

        private static GroupType typeNamed(String value) throws FlowTextException {
            GroupType named = GroupType.named(value);
            if (named == null) {
                throw new FlowTextException("invalid group type " + value);
            }
            return named;
        }

        private void fields(String text) throws FlowTextException {
            KeyValueScanner scanner = new KeyValueScanner(text);
            while (scanner.next()) {
                MatchField field = MatchField.named(scanner.key());
                if (field == null) {
                    throw new FlowTextException("unknown field " + scanner.key());
                }
                Bits whole = Bits.ones(field.widthBits());
                Bits mask = scanner.value().isEmpty()
                        ? whole
                        : mask(field, scanner.value()).and(whole);
                fields.add(new SelectionMethod.HashedField(field, mask));
            }
        }

        private Bits mask(MatchField field, String text) throws FlowTextException {
            MatchField.Masked value = ValueText.parse(field, text, ports);
            return new Bits(value.high(), value.low());
        }

        GroupMod build(List<GroupBucket> buckets) {
            SelectionMethod selection =
                    method == null ? null : new SelectionMethod(method, parameter, List.copyOf(fields));
            return new GroupMod(command, type, id, commandBucket, buckets, selection);
        }
    }
}
