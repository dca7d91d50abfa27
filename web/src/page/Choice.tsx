/* One out of a few, by name. */

import {
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
} from 'react-aria-components';

export interface ChoiceProps {
  label: string;
  items: { id: string; name: string }[];
  value: string;
  onChange: (id: string) => void;
}

export function Choice({ label, items, value, onChange }: ChoiceProps) {
  return (
    <Select
      className="page-choice"
      value={value}
      onChange={(key) => onChange(String(key ?? ''))}
    >
      <Label>{label}</Label>
      <Button className="page-input">
        <SelectValue />
        <span aria-hidden="true">▾</span>
      </Button>
      <Popover className="page-popover">
        <ListBox items={items}>
          {(item) => <ListBoxItem className="page-option">{item.name}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}
