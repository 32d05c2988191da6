// SPDX-License-Identifier: MIT
import type { Member } from "../media/messages";
import { t } from "../strings";
import { Avatar } from "./avatar";
import { CopyLink } from "./copy_link";
import { Icon } from "./icons";
import { Panel } from "./panel";
import "./people_panel.css";
import { useApp } from "./use_store";

export function PeoplePanel() {
  const members = useApp((state) => state.members);
  const name = useApp((state) => state.preferences.name);
  const counted = useApp((state) => state.participantCount);
  const words = t().people;
  return (
    <Panel name="people" title={words.title(Math.max(members.length + 1, counted))}>
      <div class="panel-body stack">
        <CopyLink />
        <ul class="people">
          <li>
            <Avatar userId={name} name={name} />
            <span class="person-name">
              {name} <span class="soft">({t().call.you})</span>
            </span>
          </li>
          {members.map((member) => (
            <Person key={member.sessionId} member={member} />
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function Person({ member }: { member: Member }) {
  const words = t().people;
  const note = member.isHost ? words.host : member.isGuest ? words.guest : "";
  return (
    <li>
      <Avatar userId={member.userId} name={member.displayName} />
      <span class="person-name" dir="auto">
        {member.displayName} {note !== "" && <span class="soft">({note})</span>}
      </span>
      {member.handRaised && <State icon="hand" label={t().call.hand} />}
      {!member.audio && <State icon="mic-off" label={words.micOff} />}
      {!member.video && <State icon="camera-off" label={words.camOff} />}
    </li>
  );
}

function State({ icon, label }: { icon: "hand" | "mic-off" | "camera-off"; label: string }) {
  return (
    <span class="soft person-state" role="img" aria-label={label} title={label}>
      <Icon name={icon} />
    </span>
  );
}
