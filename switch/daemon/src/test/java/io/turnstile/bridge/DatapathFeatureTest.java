package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is claimed of the datapath. */
class DatapathFeatureTest {

    /** The keys of Datapath:capabilities, by ovs-vswitchd.conf.db(5) of Open vSwitch 3.7. */
    @Test
    void everyCapabilityIsToldTrueOrNot() {
        Map<String, String> told = DatapathFeature.capabilities();
        assertThat(told)
                .containsOnlyKeys(
                        ("add_mpls check_pkt_len clone ct_clear ct_eventmask ct_flush ct_label ct_mark ct_orig_tuple"
                                        + " ct_orig_tuple6 ct_state ct_state_nat ct_timeout ct_zero_snat ct_zone"
                                        + " explicit_drop_action lb_output_action masked_set_action max_hash_alg max_mpls_depth"
                                        + " max_vlan_headers nd_ext psample recirc sample_nesting tnl_push_pop trunc ufid")
                                .split(" "))
                .containsEntry("tnl_push_pop", "false")
                .containsEntry("sample_nesting", "false")
                .containsEntry("ct_flush", "true");
    }

    @Test
    void whatRestsOnAnActionIsClaimedBecauseTheExecutorHasIt() {
        assertThat(DatapathFeature.CLONE.action()).isEqualTo(DatapathAction.Clone.class);
        for (DatapathFeature feature : DatapathFeature.values()) {
            if (feature.action() != null) {
                assertThat(feature.value()).as(feature.label()).isEqualTo("true");
                assertThat(Arrays.asList(DatapathAction.class.getPermittedSubclasses()))
                        .contains(feature.action());
            }
        }
    }
}
