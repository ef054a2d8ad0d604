package io.turnstile.bridge;

import io.turnstile.ovsdb.data.Row;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.PortVlan;
import io.turnstile.pipeline.PriorityTags;
import io.turnstile.pipeline.VlanMode;
import io.turnstile.pipeline.VlanSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** The reader of a Port row's VLAN settings (ovs-vswitchd.conf.db(5), "VLAN Configuration"). */
final class PortVlanReader {
    private static final int MAX_VLAN = 4095;

    private PortVlanReader() {}

    static PortVlan read(Row row) {
        OptionalLong tag = ConfigReader.longNumber(row, "tag");
        boolean tagged = tag.isPresent() && tag.getAsLong() >= 0 && tag.getAsLong() <= MAX_VLAN;
        Set<Long> trunks = ConfigReader.vlans(row, "trunks");
        Set<Long> cvlans = ConfigReader.vlans(row, "cvlans");
        Map<String, String> otherConfig = row.stringMap("other_config");
        return PortVlan.of(
                mode(row.string("vlan_mode"), tagged),
                tagged ? (int) tag.getAsLong() : 0,
                VlanSet.orAll(trunks),
                VlanSet.orAll(cvlans),
                PriorityTags.named(otherConfig.getOrDefault("priority-tags", "")),
                "802.1q".equals(otherConfig.get("qinq-ethtype")) ? EtherTypes.VLAN : EtherTypes.QINQ);
    }

    /** A word that the database does not know either means trunk; without one the tag decides, whatever it trunks. */
    private static VlanMode mode(Optional<String> written, boolean tagged) {
        return written.map(word -> VlanMode.named(word).orElse(VlanMode.TRUNK))
                .orElse(tagged ? VlanMode.ACCESS : VlanMode.TRUNK);
    }
}
