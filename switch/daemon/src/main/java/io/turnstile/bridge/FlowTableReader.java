package io.turnstile.bridge;

import io.turnstile.ovsdb.data.Row;
import io.turnstile.pipeline.TableSettings;
import io.turnstile.pipeline.flow.FieldSelection;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.time.OncePerMinute;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reader of a Flow_Table row (ovs-vswitchd.conf.db(5)). What it names in vain is passed over, as in Open vSwitch,
 * and warned of. {@code prefixes} is read for such names and changes nothing: a lookup here has its own ways to look at
 * as little as it can.
 *
 * <p>Threads: any.
 */
final class FlowTableReader {
    private static final Logger LOG = LoggerFactory.getLogger(FlowTableReader.class);
    /** Fields whose prefixes Open vSwitch can track, besides those called otherwise. */
    private static final Set<String> PREFIXES = Set.of(
            "tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst", "nw_src", "nw_dst", "ipv6_src", "ipv6_dst");

    private static final Set<String> OTHER_NAMES = Set.of("ip_src", "ip_dst");
    private static final OncePerMinute TOLD = new OncePerMinute();

    private FlowTableReader() {}

    static TableSettings read(Row row, String bridge, long table) {
        String where = "bridge " + bridge + " table " + table;
        row.set("prefixes").forEach(each -> checkPrefix((String) each, where));
        return new TableSettings(
                row.string("name").filter(name -> !name.isEmpty()).orElse(null),
                row.integer("flow_limit").orElse(TableSettings.UNLIMITED),
                row.string("overflow_policy").filter("evict"::equals).isPresent(),
                groups(row, where));
    }

    private static List<FieldSelection> groups(Row row, String where) {
        List<String> texts = new ArrayList<>();
        row.set("groups").forEach(each -> texts.add((String) each));
        texts.sort(Comparator.naturalOrder()); // a set has no order, and another one would be another setting
        List<FieldSelection> groups = new ArrayList<>();
        for (String text : texts) {
            try {
                groups.add(FieldSelection.parse(text));
            } catch (FlowTextException e) {
                complain("%s: error parsing 'groups' (%s)".formatted(where, e.getMessage()));
            }
        }
        return groups;
    }

    private static void checkPrefix(String name, String where) {
        if (name.equals("none") || PREFIXES.contains(name) || OTHER_NAMES.contains(name)) {
            return;
        }
        complain(
                MatchField.named(name) == null
                        ? "%s: 'prefixes' with unknown field: %s".formatted(where, name)
                        : "%s: 'prefixes' with incompatible field: %s".formatted(where, name));
    }

    static void complain(String complaint) {
        if (TOLD.isDue(complaint)) {
            LOG.warn("{}", complaint);
        }
    }
}
